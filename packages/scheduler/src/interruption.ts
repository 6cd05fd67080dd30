/** Ctrl-C. What is under way is brought to a point where nothing is half done; a second one ends eschedule at once. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** What goes on without the command, and how to look after it; asked when it was interrupted. */
  describe: () => string;
  readonly interrupt: () => void;
}

export const createInterruption = (): Interruption => {
  const controller = new AbortController();
  return { signal: controller.signal, describe: () => '', interrupt: () => controller.abort() };
};
