import type { HostView } from '@etcd-compute/cloud/hosts/view';
import type { Route } from '../../http/route.js';
import type { Compute } from '../compute.js';
import { computeRoute } from '../compute-route.js';
import { renderService } from '../render-host.js';
import { zoneOf } from '../engine/zones.js';

/** https://docs.openstack.org/api-ref/compute/#availability-zones-os-availability-zone */
export const createZoneRoutes = ({ store, hosts }: Compute): readonly Route[] => {
  /** The hosts of each zone. */
  const zones = async (): Promise<ReadonlyMap<string, readonly HostView[]>> => {
    const found = new Map<string, HostView[]>();
    for (const host of await hosts()) {
      const zone = zoneOf(store.view(), host.name);
      found.set(zone, [...(found.get(zone) ?? []), host]);
    }
    return found;
  };

  const render = (zone: string, members: readonly HostView[], isDetailed: boolean): object => ({
    zoneName: zone,
    zoneState: { available: members.some(takesServers) },
    hosts: isDetailed ? Object.fromEntries(members.map((host) => [host.name, renderHostOfZone(host)])) : null,
  });
  const list = async (isDetailed: boolean) => {
    const all = [...(await zones())].toSorted(([a], [b]) => (a < b ? -1 : 1));
    return {
      status: 200,
      body: { availabilityZoneInfo: all.map(([zone, members]) => render(zone, members, isDetailed)) },
    };
  };

  return [
    computeRoute({
      method: 'GET',
      path: '/os-availability-zone',
      rule: 'compute:availability_zones:list',
      handle: async () => list(false),
    }),
    computeRoute({
      method: 'GET',
      path: '/os-availability-zone/detail',
      rule: 'compute:availability_zones:detail',
      handle: async () => list(true),
    }),
  ];
};

const takesServers = ({ state }: HostView): boolean => state === 'up';

const renderHostOfZone = (host: HostView): object => {
  const { status, state, binary } = renderService(host);
  return { [binary]: { available: state === 'up', active: status === 'enabled', updated_at: null } };
};
