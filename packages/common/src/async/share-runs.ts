/**
 * Makes a task that looks at the world cheap to ask for: whoever calls while it runs waits for the next run, which begins after the call, and
 * shares it with all others who wait.
 */
export const shareRuns = <T>(task: () => Promise<T>): (() => Promise<T>) => {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  const start = async (): Promise<T> => {
    next = undefined;
    const run = task();
    current = run;
    return run;
  };
  return async () => {
    next ??= current.then(start, start);
    return next;
  };
};
