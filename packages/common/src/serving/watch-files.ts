import { unwatchFile, watchFile } from 'node:fs';

const LOOK_EVERY_MS = 2000;

/** Looks at the paths each time: files are often replaced, not written to. @returns ends it. */
export const watchFiles = (paths: readonly string[], onChange: () => void): (() => void) => {
  for (const path of paths) watchFile(path, { interval: LOOK_EVERY_MS, persistent: false }, onChange);
  return () => {
    for (const path of paths) unwatchFile(path, onChange);
  };
};
