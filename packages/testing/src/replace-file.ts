import { rename, writeFile } from 'node:fs/promises';

/** Writes a whole file at once: a reader, also one that comes after this process was killed, sees the old content or the new. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
};
