import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a whole file at once: whatever happens meanwhile, the old content is there or the new, also after the host went down. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  await writeAndRename(path, { temporary: `${path}.new`, content });
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
};

/** The same, but the old content may come back when the host goes down. A failure, such as a full disk, leaves no temporary file. */
export const writeAndRename = async (
  path: string,
  { temporary, content }: { temporary: string; content: string },
): Promise<void> => {
  try {
    await writeFile(temporary, content, { mode: 0o644, flush: true });
    await rename(temporary, path);
  } catch (err) {
    await rm(temporary, { force: true });
    throw err;
  }
};
