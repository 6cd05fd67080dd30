import type { PlacementSection } from '@etcd-compute/testing/placement-server';
import { startHttpProxy, type HttpProxy } from '@etcd-compute/testing/http-proxy';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import type { Resources } from '@etcd-compute/testing/resources';

/** The way of one client, an agent or all `eschedule`s, to etcd and Placement: every part of it can be broken alone. */
export interface ClientPath {
  /** One before each member. */
  readonly etcd: readonly TcpProxy[];
  /** Undefined where etcd counts room. */
  readonly placement: PlacementPath | undefined;
  /** The sections of a config that lead through it. */
  readonly config: {
    readonly etcd: Readonly<Record<string, unknown>>;
    readonly placement: PlacementSection;
  };
}

export interface PlacementPath {
  readonly wire: TcpProxy;
  /** Behind the wire: it understands HTTP. */
  readonly http: HttpProxy;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export const openClientPath = async (
  resources: Resources,
  { members, placement: server }: { members: readonly Address[]; placement: Address | undefined },
): Promise<ClientPath> => {
  const etcd: TcpProxy[] = [];
  for (const member of members) etcd.push(resources.keep(await startTcpProxy(member)));
  const placement = server && (await openPlacementPath(resources, server));
  return {
    etcd,
    placement,
    config: {
      etcd: { hosts: etcd.map(({ endpoint }) => endpoint), timeout: 4 },
      placement: placement ? { endpoint: placement.wire.endpoint, timeout: 4 } : 'etcd',
    },
  };
};

const openPlacementPath = async (resources: Resources, server: Address): Promise<PlacementPath> => {
  const http = resources.keep(await startHttpProxy(server));
  return { http, wire: resources.keep(await startTcpProxy(http)) };
};
