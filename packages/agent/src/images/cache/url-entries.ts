import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readJsonFile, writeAndRename } from '../../state-folder/replace-file.js';

/*
 * What each URL last gave: a file each, named by the URL's own SHA-256, whose time of change says when the URL was last asked for.
 * Whatever is wrong with one, downloading again mends it.
 */

const urlEntrySchema = z.object({
  url: z.string(),
  /** Of the content, which is the name of its file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Of what the server sends, which may be compressed. */
  sentSha256: z.string().regex(/^[0-9a-f]{64}$/),
  /** Null where nobody has asked for it yet. */
  sentSha512: z
    .string()
    .regex(/^[0-9a-f]{128}$/)
    .nullable()
    .default(null),
  /** The list of checksums that it was last found in. */
  verifiedBy: z.string().nullable().default(null),
  etag: z.string().nullable(),
  lastModified: z.string().nullable(),
});
export type UrlEntry = z.output<typeof urlEntrySchema>;

export interface UrlEntries {
  readonly find: (url: string) => Promise<UrlEntry | undefined>;
  readonly write: (entry: UrlEntry) => Promise<void>;
  /** The URL was asked for now. */
  readonly touch: (url: string) => Promise<void>;
  readonly list: () => Promise<(UrlEntry & { usedAtMs: number })[]>;
  readonly remove: (url: string) => Promise<void>;
}

/** @param folder is made if it is missing. Temporary files of an agent that was killed are removed. */
export const openUrlEntries = async (folder: string): Promise<UrlEntries> => {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  for (const name of await readdir(folder)) if (/\.json\.[0-9a-f-]{36}$/.test(name)) await rm(join(folder, name));
  const pathOf = (url: string): string => join(folder, `${createHash('sha256').update(url).digest('hex')}.json`);
  const read = async (path: string): Promise<UrlEntry | undefined> => readJsonFile(urlEntrySchema, path);
  return {
    find: async (url) => {
      const entry = await read(pathOf(url));
      return entry?.url === url ? entry : undefined;
    },
    write: async (entry) => {
      const path = pathOf(entry.url);
      await writeAndRename(path, { temporary: `${path}.${randomUUID()}`, content: `${JSON.stringify(entry)}\n` });
    },
    touch: async (url) => {
      const now = new Date();
      await utimes(pathOf(url), now, now);
    },
    list: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));
      const entries = await Promise.all(
        names.map(async (name) => {
          const path = join(folder, name);
          const entry = await read(path);
          return entry ? [{ ...entry, usedAtMs: (await stat(path)).mtimeMs }] : [];
        }),
      );
      return entries.flat();
    },
    remove: async (url) => rm(pathOf(url), { force: true }),
  };
};
