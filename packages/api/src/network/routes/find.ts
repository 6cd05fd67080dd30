import { isUuid } from '@etcd-compute/common/ids';
import { callerOf, paramOf, type ApiRequest } from '../../http/route.js';
import { instanceOfPort } from '../engine/ids.js';
import type { CloudNetwork, Subnet } from '../engine/networks.js';
import { portsOf, type Port } from '../engine/ports.js';
import { missing } from '../network-error.js';
import { isOverseer, type Network } from '../network.js';

type Asked = Pick<ApiRequest, 'caller' | 'params' | 'query'>;

/** Whose ports the caller sees; undefined: all. */
export const projectOf = (request: Pick<ApiRequest, 'caller'>): string | undefined => {
  const caller = callerOf(request);
  return isOverseer(caller) ? undefined : (caller.projectId ?? '');
};

/** The ports that the caller sees; when the query names servers or projects, of no others. */
export const listPorts = async ({ hosts, instances }: Network, request: Asked): Promise<Port[]> => {
  const project = projectOf(request);
  const devices = request.query.getAll('device_id');
  const [asked, ...others] = [...request.query.getAll('project_id'), ...request.query.getAll('tenant_id')];
  const found =
    devices.length > 0
      ? await instances.find(devices)
      : await instances.list(project ?? (others.length === 0 ? asked : undefined));
  return found.flatMap((instance) => portsOf(hosts.view(), instance)).filter(isOf(project));
};

const isOf =
  (project: string | undefined) =>
  (port: Port): boolean =>
    project === undefined || port.project === project;

/** @throws HttpError 404, also when it belongs to another project. */
export const findPort = async (network: Network, request: Asked): Promise<Port> => {
  const id = paramOf(request, 'id').toLowerCase();
  const { hosts, instances } = network;
  const { list } = hosts.view();
  if (!isUuid(id)) throw missing('Port', id);
  const likely = await instances.find(list.map(({ name }) => instanceOfPort(id, name)));
  const ports = likely.flatMap((instance) => portsOf(hosts.view(), instance)).filter(isOf(projectOf(request)));
  const found =
    ports.find((port) => port.id === id) ?? // its network may be one that no host has now
    (await listPorts(network, { ...request, query: new URLSearchParams() })).find((port) => port.id === id);
  if (!found) throw missing('Port', id);
  return found;
};

/** One that a host has, or that a server of the caller is on. @throws HttpError 404. */
export const findNetwork = async (network: Network, request: Asked): Promise<CloudNetwork> => {
  const id = paramOf(request, 'id');
  const known = network.hosts.view().get(id);
  if (known) return known;
  const ports = isUuid(id) ? await listPorts(network, { ...request, query: new URLSearchParams() }) : [];
  const used = ports.find((port) => port.network.id === id);
  if (!used) throw missing('Network', id);
  return used.network;
};

export const listSubnets = ({ hosts }: Network): readonly Subnet[] =>
  hosts.view().list.flatMap(({ subnets }) => subnets);

/** @throws HttpError 404. */
export const findSubnet = (network: Network, request: Asked): Subnet => {
  const id = paramOf(request, 'id');
  const found = listSubnets(network).find((subnet) => subnet.id === id);
  if (!found) throw missing('Subnet', id);
  return found;
};
