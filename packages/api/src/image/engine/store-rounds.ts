import type { BlobStore } from '../blobs/blob-store.js';

/** Which stores a round of housekeeping looks after. */
export type StoreRounds = (servers: ReadonlySet<string>) => readonly BlobStore[];

/** To list a bucket costs money: there is something to find after a server has gone, and otherwise hardly ever. */
const SHARED_EVERY_MS = 3_600_000;

/** The folder each time; what all servers share at first, when a server has gone since, and every hour. */
export const createStoreRounds = (
  { folder, shared }: { readonly folder: BlobStore; readonly shared: BlobStore | undefined },
  now: () => number,
): StoreRounds => {
  let before: ReadonlySet<string> = new Set();
  let dueAt = 0;
  return (servers) => {
    const isOneGone = [...before].some((server) => !servers.has(server));
    before = servers;
    if (!shared || (!isOneGone && now() < dueAt)) return [folder];
    dueAt = now() + SHARED_EVERY_MS;
    return [folder, shared];
  };
};
