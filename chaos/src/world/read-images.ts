import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readLeftover } from '@etcd-compute/agent/images/download/old-downloads';
import { notePath } from '@etcd-compute/agent/images/download/partial-download';
import type { ImageFiles } from '../world.js';

const CONTENT = /^([0-9a-f]{64})\.img$/;
const URL_ENTRY = /^[0-9a-f]{64}\.json$/;
const URLS = 'urls';

/** What the agent's image cache holds. Of a download that an agent did not live to finish, the next one makes use. */
export const readImageFiles = async (folder: string): Promise<ImageFiles> => {
  const names = (await readdir(folder)).filter((name) => name !== URLS);
  const entries = await readdir(join(folder, URLS));
  const useful = new Set(names.filter((name) => CONTENT.test(name)));
  for (const name of names.filter((candidate) => candidate.endsWith('.part')))
    if (await readLeftover(join(folder, name))) useful.add(name).add(basename(notePath(name)));
  return {
    contents: names.flatMap((name) => CONTENT.exec(name)?.[1] ?? []),
    useless: [
      ...names.filter((name) => !useful.has(name)),
      ...entries.filter((name) => !URL_ENTRY.test(name)).map((name) => join(URLS, name)),
    ],
  };
};
