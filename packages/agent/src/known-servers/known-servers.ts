import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { z } from 'zod';
import { isFile, isMissingFile } from '../state-folder/instance-files.js';
import { replaceFile } from '../state-folder/replace-file.js';

/**
 * Which etcd and which libvirt this host belongs to, as `known_hosts` is of ssh: `known-servers.json` in the state folder. Written when they are
 * met first. An agent that meets others does nothing until a person has accepted them: they may be the wrong ones, and empty.
 */
const knownServersSchema = z.looseObject({
  version: z.literal(1),
  etcd: z
    .looseObject({
      cluster_id: z.string(),
      prefix: z.string(),
      /** The highest that was seen, now and then noted: an etcd that was restored from a backup is behind it. */
      revision: z.string().regex(/^\d+$/),
      /** It was found behind; a person has not accepted that yet. */
      went_back: z.boolean().default(false),
    })
    .optional(),
  libvirt: z
    .looseObject({
      uri: z.string(),
      /** The uuid of the storage pool of our disks, which libvirt made. */
      pool: z.string(),
    })
    .optional(),
});
export type KnownServers = z.output<typeof knownServersSchema>;

export const SERVERS = ['etcd', 'libvirt'] as const;
export type Server = (typeof SERVERS)[number];

export interface KnownServersFile {
  /** @throws ECOMPUTE_STATE_DIR_UNUSABLE when it cannot be understood. */
  readonly read: () => Promise<KnownServers>;
  /** Replaces it at once, synced; nothing is written when nothing changes. */
  readonly change: (update: (known: KnownServers) => KnownServers) => Promise<void>;
}

/** A file of its own, because the agent that runs writes the other one. */
const acceptancePath = (stateDir: string, server: Server): string => join(stateDir, `accepted-${server}`);

/** Changes are made one after the other; only one agent at a time has the state folder. */
export const openKnownServers = (stateDir: string): KnownServersFile => {
  const path = join(stateDir, 'known-servers.json');
  let last: Promise<void> = Promise.resolve();
  const readFromFile = async (): Promise<KnownServers> => {
    try {
      return knownServersSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch (cause) {
      if (isMissingFile(cause)) return { version: 1 };
      throw new EcomputeError('ECOMPUTE_STATE_DIR_UNUSABLE', `could not understand ${path}`, {
        cause,
        hint: 'if the servers in the config are the right ones, remove the file',
      });
    }
  };
  const read = async (): Promise<KnownServers> => {
    const known = await readFromFile();
    for (const server of SERVERS) if (await isFile(acceptancePath(stateDir, server))) known[server] = undefined;
    return known;
  };
  const changeNow = async (update: (known: KnownServers) => KnownServers): Promise<void> => {
    const known = await read();
    const changed = update(known);
    if (JSON.stringify(changed) === JSON.stringify(known)) return;
    // Before the next one is noted: an acceptance that outlived it would be good for any other.
    for (const server of SERVERS)
      if (!known[server] && changed[server]) await rm(acceptancePath(stateDir, server), { force: true });
    await replaceFile(path, `${JSON.stringify(changed)}\n`);
  };
  return {
    read,
    change: async (update) => {
      const change = last.then(async () => changeNow(update));
      last = change.catch(() => undefined);
      await change;
    },
  };
};

/** The next one that is met is taken, also by an agent that runs. @returns false when there was nothing to accept. */
export const acceptChange = async (stateDir: string, server: Server): Promise<boolean> => {
  const hasIt = (await openKnownServers(stateDir).read())[server] !== undefined;
  if (hasIt) await replaceFile(acceptancePath(stateDir, server), '');
  return hasIt;
};
