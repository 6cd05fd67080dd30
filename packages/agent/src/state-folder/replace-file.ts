import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseJson } from '@etcd-compute/common/parse-json';
import type { z } from 'zod';

/** Replaces a file atomically: after a crash, also of the host, it has its old content or the new. */
export const replaceFile = async (path: string, content: string): Promise<void> => {
  await writeAndRename(path, { temporary: `${path}.new`, content });
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
};

/** The same, but a crash of the host may bring back the old content. A failure, such as a full disk, leaves no temporary file. */
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

/** Reads a JSON file. @returns undefined when it is missing, cut short, or not what the schema describes. */
export const readJsonFile = async <S extends z.ZodType>(schema: S, path: string): Promise<z.output<S> | undefined> => {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseJson(schema, text);
};
