import type { Store } from '@etcd-compute/common/etcd/store';
import type { PlacementClient } from '@etcd-compute/common/placement/client';
import pLimit from 'p-limit';
import { compareContents } from './compare.js';
import { inBatches, isSameConsumer } from './consumer-batches.js';
import { type Content, customOf, parentsFirst } from './content.js';
import { readStore, type TransferResult } from './import.js';
import { countDone, type OnProgress } from './progress.js';
import { readService } from './read-service.js';
import { refuseForeign } from './refuse-foreign.js';
import { refuseUnknownNames } from './refuse.js';
import { ensureName, writeConsumers } from './write-parts.js';
import { ensureProvider, writeInventories } from './write-provider.js';
import { needsMoreRoom, roomyInventories } from './roomy.js';

export interface ExportOptions {
  /** The target. Stays the caller's, as does the store. */
  readonly client: PlacementClient;
  readonly store: Store;
  /** Of all keys; ends with a slash. */
  readonly prefix: string;
  /** Requests to the target at a time. */
  readonly parallel: number;
  readonly onProgress: OnProgress;
}

/**
 * Makes a Placement service what a store in etcd is; generations begin anew. It may be repeated when it was broken off: what is there
 * already is left alone.
 *
 * @throws EcomputeError ECOMPUTE_TRANSFER_REFUSED when something is there that is not here; ECOMPUTE_PLACEMENT_*, ECOMPUTE_ETCD_*.
 */
export const exportCloud = async (options: ExportOptions): Promise<TransferResult> => {
  const { client, store, prefix, onProgress } = options;
  const source = await readStore(store, prefix);
  onProgress('reading what is there already');
  const target = await readService(client, { ...options, onProgress: () => undefined });
  const where = `Placement at ${client.endpoint}`;
  refuseForeign(source, target, where);
  refuseUnknownNames(source, target, where);
  await write(source, target, options);

  onProgress('reading both sides anew');
  const differences = compareContents(await readStore(store, prefix), await readService(client, options), {
    hasGenerations: false,
    names: ['in etcd', `at ${client.endpoint}`],
  });
  return { providers: source.providers.size, consumers: source.consumers.size, differences };
};

const write = async (
  source: Content,
  target: Content,
  { client, parallel, onProgress }: ExportOptions,
): Promise<void> => {
  for (const [kind, names, known] of [
    ['resource_classes', source.classes, target.classes],
    ['traits', source.traits, target.traits],
  ] as const)
    for (const name of customOf(names)) if (!known.has(name)) await ensureName(client, kind, name);

  const limit = pLimit(parallel);
  const consumers = [...source.consumers.values()].filter(
    (one) => !isSameConsumer(one, target.consumers.get(one.uuid)),
  );
  const crowded = needsMoreRoom(source, consumers);
  const total = { of: source.providers.size, what: 'resource providers' };
  const doneProviders = countDone(onProgress, 'wrote', total);
  for (const level of parentsFirst(source.providers))
    await limit.map(level, async (provider) => {
      const isCrowded = crowded.has(provider.uuid);
      const wanted = isCrowded ? { ...provider, inventories: roomyInventories(provider.inventories) } : provider;
      await ensureProvider(client, wanted, target.providers.get(provider.uuid));
      doneProviders();
    });

  const doneConsumers = countDone(onProgress, 'wrote', { of: consumers.length, what: 'consumers' });
  await limit.map(inBatches(consumers), async (batch) => {
    await writeConsumers(client, batch, target.consumers);
    doneConsumers(batch.length);
  });

  for (const uuid of crowded) {
    const provider = source.providers.get(uuid);
    if (provider) await writeInventories(client, provider);
  }
};
