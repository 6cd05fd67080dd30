import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Writes a whole file at once: whatever happens meanwhile, the old content is there or the new, also after the host went down. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  const partial = `${path}.new`;
  {
    await using file = await open(partial, 'w', 0o644);
    await file.writeFile(content);
    await file.sync();
  }
  await rename(partial, path);
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
};
