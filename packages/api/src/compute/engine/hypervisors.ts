import { readHypervisorFacts } from './hypervisor-facts.js';
import type { HostView } from '@etcd-compute/cloud/hosts/view';
import { badRequest, notFound } from '../../http/http-error.js';
import type { Compute } from '../compute.js';

/** What runs servers on a host. */
export interface Hypervisor {
  readonly host: HostView;
  readonly type: string;
  /** As Nova writes it: 9,000,000 is 9.0.0. */
  readonly version: number;
  readonly address: string;
}

/** The version from which they are known by uuid. */
export const UUIDS = 53;

/** Clients of earlier versions expect numbers. */
export const idOfHost = ({ host }: Pick<HostView, 'host'>, minor: number): string | number =>
  minor >= UUIDS ? host : Number.parseInt(host.slice(0, 8), 16) >>> 1;

export const listHypervisors = async ({ hosts, servers }: Compute): Promise<readonly Hypervisor[]> => {
  const [all, facts] = await Promise.all([hosts(), readHypervisorFacts(servers)]);
  // Of a host whose agent is away, nobody knows.
  const unknown = { type: 'unknown', version: 0, address: '0.0.0.0' };
  return all.map((host) => ({ host, ...(facts.get(host.host) ?? unknown) }));
};

/** @throws HttpError 400, 404. */
export const findHostById = <T extends { readonly host: HostView }>(
  all: readonly T[],
  { id, minor }: { readonly id: string; readonly minor: number },
): T => {
  if (minor >= UUIDS && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id))
    throw badRequest(`Invalid uuid ${id}`);
  const found = all.find(({ host }) => String(idOfHost(host, minor)) === id.toLowerCase());
  if (!found) throw notFound(`Hypervisor with ID '${id}' could not be found.`);
  return found;
};

/** Those whose names have a text in them. @throws HttpError 404 when there are none. */
export const matchHypervisors = (all: readonly Hypervisor[], pattern: string): readonly Hypervisor[] => {
  const found = all.filter(({ host }) => host.name.includes(pattern));
  if (found.length === 0) throw notFound(`No hypervisor matching '${pattern}' could be found.`);
  return found;
};
