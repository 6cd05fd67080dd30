/** How far a transfer has come, in words: `read 20 of 1000 resource providers`. */
export type OnProgress = (text: string) => void;

/** Counts what is done of a step. */
export const countDone = (
  onProgress: OnProgress,
  verb: string,
  { of, what }: { readonly of: number; readonly what: string },
): ((more?: number) => void) => {
  let done = 0;
  return (more = 1) => {
    done += more;
    onProgress(`${verb} ${done} of ${of} ${what}`);
  };
};

const SELDOM_MS = 2_000;

/** Shows it on standard error: a line that is written over on a terminal, else a line now and then. */
export const showProgress = (): OnProgress & { readonly end: () => void } => {
  const { stderr } = process;
  let [saidAt, kind] = [Number.NEGATIVE_INFINITY, ''];
  const show = (text: string): void => {
    const [now, nextKind] = [performance.now(), text.replaceAll(/\d/g, '')];
    if (nextKind === kind && now - saidAt < (stderr.isTTY ? SELDOM_MS / 20 : SELDOM_MS)) return;
    [saidAt, kind] = [now, nextKind];
    stderr.write(stderr.isTTY ? `\r\u001B[2K${text}` : `${text}\n`);
  };
  return Object.assign(show, { end: () => void (stderr.isTTY && stderr.write('\r\u001B[2K')) });
};
