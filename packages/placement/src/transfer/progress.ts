/** How far a transfer has come, in words: `read 20 of 1000 resource providers`. */
export type OnProgress = (text: string) => void;

/** Counts what is done of a step. */
export const countDone = (onProgress: OnProgress, verb: string, { of, what }: { of: number; what: string }) => {
  let done = 0;
  return (more = 1): void => {
    done += more;
    onProgress(`${verb} ${done} of ${of} ${what}`);
  };
};
