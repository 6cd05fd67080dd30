/** Wraps a task so that each call gets a run that begins after the call. Calls made during a run share the next one. */
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
