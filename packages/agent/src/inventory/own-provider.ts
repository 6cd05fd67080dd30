import type { Capacity, Resources } from '@etcd-compute/common/capacity/capacity';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';

/**
 * What Placement holds about this host, for one small request a period while nothing changes.
 *
 * Placement increases a provider's generation with each change of its inventories, traits, aggregates and allocations. So what was read
 * after the generation is true until the generation differs. The exception is `DELETE /allocations/<consumer>`, which none of our
 * programs sends: for its sake everything is read again after a while.
 */
export interface OwnProvider {
  /** Asks for the generation: to be done once a period, before anything else here is asked. */
  readonly look: () => Promise<void>;
  /** The latest look, to be kept with what is read after it; undefined while Placement does not answer. */
  readonly sighting: () => Sighting | undefined;
  /** Whether what was read after this look is still true, as of the latest look. */
  readonly isUnchangedSince: (sighting: Sighting) => boolean;
  /** What each consumer holds on this host, as of the latest look or newer. */
  readonly consumers: () => Promise<Consumers>;
}

type Consumers = ReadonlyMap<InstanceUuid, Resources>;

export interface Sighting {
  /** Undefined: there is no such provider. */
  readonly generation: number | undefined;
  readonly atMs: number;
}

export interface OwnProviderDeps {
  readonly capacity: Pick<Capacity, 'generationOf' | 'consumersOn'>;
  readonly host: ProviderUuid;
  readonly now: () => number;
}

const READ_AGAIN_AFTER_MS = 10 * 60_000;

export const createOwnProvider = ({ capacity, host, now }: OwnProviderDeps): OwnProvider => {
  let latest: Sighting | undefined;
  let listed: { readonly sighting: Sighting; readonly consumers: Consumers } | undefined;

  const isUnchangedSince = ({ generation, atMs }: Sighting): boolean =>
    latest?.generation !== undefined && latest.generation === generation && now() - atMs < READ_AGAIN_AFTER_MS;

  return {
    look: async () => {
      latest = undefined;
      latest = { generation: await capacity.generationOf(host), atMs: now() };
    },
    sighting: () => latest,
    isUnchangedSince,
    consumers: async () => {
      if (listed && isUnchangedSince(listed.sighting)) return listed.consumers;
      const sighting = latest;
      const consumers = await capacity.consumersOn(host);
      listed = sighting && { sighting, consumers };
      return consumers;
    },
  };
};
