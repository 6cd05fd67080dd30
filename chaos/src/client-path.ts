import { startHttpProxy, type HttpProxy } from '@etcd-compute/testing/http-proxy';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import type { Resources } from '@etcd-compute/testing/resources';

/** The way of one client, an agent or all `eschedule`s, to etcd and Placement: every part of it can be broken alone. */
export interface ClientPath {
  /** One before each member. */
  readonly etcd: readonly TcpProxy[];
  readonly placement: TcpProxy;
  /** Behind the former: it understands HTTP. */
  readonly http: HttpProxy;
  /** The sections of a config that lead through it. */
  readonly config: {
    readonly etcd: Readonly<Record<string, unknown>>;
    readonly placement: Readonly<Record<string, unknown>>;
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

export const openClientPath = async (
  resources: Resources,
  { members, placement }: { members: readonly Address[]; placement: Address },
): Promise<ClientPath> => {
  const etcd: TcpProxy[] = [];
  for (const member of members) etcd.push(resources.keep(await startTcpProxy(member)));
  const http = resources.keep(await startHttpProxy(placement));
  const front = resources.keep(await startTcpProxy(http));
  return {
    etcd,
    placement: front,
    http,
    config: {
      etcd: { hosts: etcd.map(({ endpoint }) => endpoint), timeout: 4 },
      placement: { endpoint: front.endpoint, timeout: 4 },
    },
  };
};
