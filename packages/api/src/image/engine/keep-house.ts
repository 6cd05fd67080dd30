import type { Images } from '../images.js';
import { TASK_KEPT_MS } from '../render.js';
import { endImport } from './end-import.js';
import type { StoreRounds } from './store-rounds.js';

/** What one round of a server looks after, whoever has begun it. Each part may be repeated. */
export interface Housekeeping {
  readonly images: Images;
  /** Servers that are there now. */
  readonly listServers: () => Promise<ReadonlySet<string>>;
  readonly storesOf: StoreRounds;
  /** Whether a record names a content, as of the last look. */
  readonly isNamed: (name: string) => boolean;
  /** Whether contents that no record names may go, as of now. */
  readonly mayRemove: () => Promise<boolean>;
}

/** Ends imports of servers that are gone, removes what those left in the stores, contents that no image has, and tasks of long ago. */
export const keepHouse = async ({ images, listServers, storesOf, isNamed, mayRemove }: Housekeeping): Promise<void> => {
  const { store, blobs, now } = images;
  await store.look();
  const servers = await listServers();
  const isThere = (server: string): boolean => server === blobs.server || servers.has(server);
  for (const task of store.view().list('task')) {
    if (task.status === 'processing' && !isThere(task.server))
      await endImport(images, task, { status: 'failure', message: 'the server that imported it has stopped' });
  }
  const oldest = now() - TASK_KEPT_MS;
  const old = store
    .view()
    .list('task')
    .filter(({ status, updated_at }) => status !== 'processing' && updated_at < oldest);
  if (old.length > 0)
    await store.write((draft) => {
      for (const { id } of old.slice(0, 1000)) draft.delete('task', id);
    });
  if (!(await mayRemove())) return;
  for (const contents of storesOf(servers)) {
    await contents.removeLeftovers(isThere);
    const names = await contents.list(isThere);
    // A few, most of the time none: each is looked for again before it goes.
    await blobs.collect(names.filter((name) => !isNamed(name)));
  }
};
