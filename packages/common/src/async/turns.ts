/** @returns runs one after the other what it is given, in the order asked; whatever becomes of one, the next one runs. */
export const createTurns = (): (<T>(run: () => Promise<T>) => Promise<T>) => {
  let last: Promise<unknown> = Promise.resolve();
  return async (run) => {
    const mine = last.then(run, run);
    last = mine;
    return mine;
  };
};
