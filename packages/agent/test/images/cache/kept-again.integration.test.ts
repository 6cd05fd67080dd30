import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { imagesSection } from '@etcd-compute/agent/config/images';
import { ImageCache } from '@etcd-compute/agent/images/cache/cache';
import { imageExists } from '@etcd-compute/agent/images/format/cached-image';
import { silentLogger } from '@etcd-compute/common/log';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';

/** A disk of a few sectors, with a boot sector's mark. */
const CONTENT = Buffer.alloc(4096);
CONTENT.set([0x55, 0xaa], 510);

test('a snapshot that is kept while another one of the same content is removed keeps its image', async () => {
  await using dir = await makeTempDir('kept-again');
  const cache = await ImageCache.open(dir.path, {
    settings: imagesSection.parse({ keep_free: 0 }),
    stallMs: 1000,
    log: silentLogger(),
  });
  const facts = { project: 'default', host: newProviderUuid(), instance: newInstanceUuid(), is_consistent: true };
  const keep = async (name: string, count: number) => {
    const path = join(dir.path, `${name}.part`);
    await writeFile(path, CONTENT);
    return cache.addSnapshot(path, { ...facts, name, count }, new AbortController().signal);
  };
  const first = await keep('first', 1);
  await cache.snapshots.remove(first);
  const state = { isKept: false };
  const keeping = keep('second', 2).finally(() => {
    state.isKept = true;
  });
  // At every moment of it.
  while (!state.isKept) {
    if (await imageExists(dir.path, first.sha256)) await cache.remove({ sha256: first.sha256, urls: [] }, 0);
    await nextTurn();
  }
  const second = await keeping;
  expect(second.sha256).toBe(first.sha256);
  expect(await imageExists(dir.path, second.sha256)).toBe(true);
  await cache.close();
});
