const SELDOM_MS = 10_000;

/** How a long run goes, on standard error: one line that is written over on a terminal, else a line now and then. */
export const createProgress = (): ((text: string) => void) => {
  const startedAt = performance.now();
  let [saidAt, saidText] = [Number.NEGATIVE_INFINITY, ''];
  return (text) => {
    const now = performance.now();
    const isSameKind = text.replaceAll(/\d/g, '') === saidText.replaceAll(/\d/g, '');
    if (!process.stderr.isTTY && (text === saidText || (isSameKind && now - saidAt < SELDOM_MS))) return;
    [saidAt, saidText] = [now, text];
    const line = `[${((now - startedAt) / 1000).toFixed(0)} s] ${text}`;
    process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${line}` : `${line}\n`);
  };
};
