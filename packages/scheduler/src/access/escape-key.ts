import { Transform } from 'node:stream';

/** The byte of a key as people write it: `^]` is Ctrl-]. Undefined when it is none. */
export const parseEscapeKey = (text: string): number | undefined => {
  const [, letter] = /^\^([A-Za-z@[\\\]^_])$/.exec(text) ?? [];
  // ASCII: the keys from @ to _ with Ctrl give the bytes from 0 to 31.
  return letter === undefined ? undefined : letter.toUpperCase().charCodeAt(0) - 64;
};

/** Passes what is typed, up to the escape key, then ends. @param onEscape called at that key. */
export const untilEscape = (escapeKey: number, onEscape: () => void): Transform => {
  let hasEscaped = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      const at = hasEscaped ? 0 : chunk.indexOf(escapeKey);
      if (!hasEscaped) this.push(at < 0 ? chunk : chunk.subarray(0, at));
      if (at >= 0 && !hasEscaped) {
        hasEscaped = true;
        this.push(null);
        onEscape();
      }
      callback();
    },
  });
};
