import type { Keys } from '@etcd-compute/common/etcd/keys';
import { presenceSchema } from '@etcd-compute/common/etcd/messages/presence';
import { openMirror, type Change, type MirrorIndex } from '@etcd-compute/common/etcd/mirror';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { parseJson } from '@etcd-compute/common/parse-json';
import { viewOfNetworks, type HostNetworks, type NetworkView } from '../engine/networks.js';

/** What the agents that are there say of their hosts' networks, kept by a watch. */
export interface HostNetworksStore extends AsyncDisposable {
  readonly view: () => NetworkView;
  /** What people call a host; null when its agent is not there. */
  readonly hostName: (host: string) => string | null;
}

/** An agent of another version that says this much is well understood. */
const seenSchema = presenceSchema.pick({ hostname: true, networks: true, subnets: true });

interface SeenHost extends HostNetworks {
  readonly hostname: string;
}

class HostIndex implements MirrorIndex {
  readonly #hosts = new Map<string, SeenHost>();
  #view: NetworkView | undefined;

  apply({ key, value }: Pick<Change, 'key' | 'value'>): void {
    const seen = value === undefined ? undefined : parseJson(seenSchema, value);
    this.#view = undefined;
    if (!seen) this.#hosts.delete(key);
    else this.#hosts.set(key, { hostname: seen.hostname, networks: seen.networks ?? [], subnets: seen.subnets ?? [] });
  }

  view(): NetworkView {
    return (this.#view ??= viewOfNetworks(this.#hosts.values()));
  }

  hostName(host: string): string | null {
    return this.#hosts.get(host)?.hostname ?? null;
  }
}

export interface HostNetworksOptions {
  /** Stays its owner's to close. */
  readonly etcd: Store;
  readonly keys: Pick<Keys, 'agents'>;
  readonly log: Logger;
}

const DEADLINE_MS = 10_000;

/** @throws what etcd says, when the first copy cannot be made. */
export const openHostNetworks = async ({ etcd, keys, log }: HostNetworksOptions): Promise<HostNetworksStore> => {
  const mirror = await openMirror({
    createIndex: () => new HostIndex(),
    store: etcd,
    prefix: keys.agents,
    log,
    deadlineMs: DEADLINE_MS,
  });
  return {
    view: () => mirror.index().view(),
    hostName: (host) => mirror.index().hostName(host),
    [Symbol.asyncDispose]: async () => mirror[Symbol.asyncDispose](),
  };
};
