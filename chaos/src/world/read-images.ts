import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readLeftover } from '@etcd-compute/agent/images/download/old-downloads';
import { notePath } from '@etcd-compute/agent/images/download/partial-download';
import type { ImageFiles } from '../world.js';

const CONTENT = /^([0-9a-f]{64})\.img$/;
/** The folders beside the images, and the names of the files in them. */
const FOLDERS: ReadonlyMap<string, RegExp> = new Map([
  ['urls', /^[0-9a-f]{64}\.json$/],
  ['snapshots', /^[0-9a-f-]{36}\.json$/],
]);

/** What the agent's image cache holds. Of a download that an agent did not live to finish, the next one makes use. */
export const readImageFiles = async (folder: string): Promise<ImageFiles> => {
  const names = (await readdir(folder)).filter((name) => !FOLDERS.has(name));
  const entries: string[] = [];
  for (const [inner, known] of FOLDERS)
    for (const name of await listIfThere(join(folder, inner))) if (!known.test(name)) entries.push(join(inner, name));
  const useful = new Set(names.filter((name) => CONTENT.test(name)));
  for (const name of names.filter((candidate) => candidate.endsWith('.part')))
    if (await readLeftover(join(folder, name))) useful.add(name).add(basename(notePath(name)));
  return {
    contents: names.flatMap((name) => CONTENT.exec(name)?.[1] ?? []),
    useless: [...names.filter((name) => !useful.has(name)), ...entries],
  };
};

/** The folder of snapshots comes with the first one. */
const listIfThere = async (folder: string): Promise<string[]> =>
  readdir(folder).catch((err: NodeJS.ErrnoException) => {
    if (err.code === 'ENOENT') return [];
    throw err;
  });
