/** What a run has started: ended newest first, all of it, whatever fails. */
export interface Resources extends AsyncDisposable {
  readonly keep: <T extends AsyncDisposable>(resource: T) => T;
  readonly defer: (end: () => Promise<unknown>) => void;
}

export const createResources = (): Resources => {
  const ends: (() => Promise<unknown>)[] = [];
  const dispose = async (): Promise<void> => {
    const failures: unknown[] = [];
    for (let end = ends.pop(); end; end = ends.pop()) await end().catch((err: unknown) => failures.push(err));
    if (failures.length > 0) throw new AggregateError(failures, 'could not clean up');
  };
  return {
    keep: (resource) => {
      ends.push(async () => resource[Symbol.asyncDispose]());
      return resource;
    },
    defer: (end) => void ends.push(end),
    [Symbol.asyncDispose]: dispose,
  };
};
