import { sleep } from '@etcd-compute/common/async/sleep';
import { badRequest, conflict, HttpError, notFound } from '../../../http/http-error.js';
import { instanceOfPort } from '../../../network/engine/ids.js';
import type { CloudNetwork } from '../../../network/engine/networks.js';
import { portsOf, type Port } from '../../../network/engine/ports.js';
import type { Servers } from '../servers.js';
import { askServer, type Target } from './ask-server.js';
import type { Seen } from './list-servers.js';
import { nicsOf } from './nics-of.js';

/** What is asked of a new interface. */
export interface WantedInterface {
  readonly net_id?: string | undefined;
  readonly port_id?: string | undefined;
  readonly fixed_ips?: readonly { readonly ip_address: string }[] | undefined;
  readonly tag?: string | undefined;
}

/** In Nova's words. A guest that is paused could not take part. */
const FROM = ['active', 'stopped'] as const;
/** Less than a request may take. */
const ATTACH_MS = 40_000;
/** Between what is written and what is seen of it here. */
const SEEN_MS = 5_000;
const LOOK_EVERY_MS = 20;

export const interfacesOf = (servers: Pick<Servers, 'networkView'>, { server, report }: Seen): readonly Port[] =>
  portsOf(servers.networkView(), {
    instance: server.id,
    project: server.project,
    host: report?.host ?? '',
    hostName: null,
    state: report?.state ?? 'scheduled',
    nics: nicsOf(report),
    createdAt: server.created_at,
    updatedAt: server.updated_at,
  });

/**
 * Connects a server to a network, and waits until it is.
 *
 * @throws HttpError 400 for what cannot be chosen here, 404, 409 when it is there already or as the server is now, 500 when its host could not.
 */
export const attachInterface = async (servers: Servers, target: Target, wanted: WantedInterface): Promise<Port> => {
  const { server } = target.item;
  const network = networkFor(servers, target, wanted);
  const { errors } = await askServer(servers, target, {
    action: 'attach_interface',
    task: null,
    wish: 'add-nic',
    args: { network: network.name },
    from: FROM,
    waitMs: ATTACH_MS,
  });
  const [error] = errors;
  if (error)
    throw new HttpError(500, `Failed to attach an interface to ${server.id}: ${error.message}`, { cause: error });
  return findAttached(servers, target, network);
};

export const detachInterface = async (servers: Servers, target: Target, id: string): Promise<void> => {
  const port = needInterface(servers, target, id);
  await askServer(servers, target, {
    action: 'detach_interface',
    task: null,
    wish: 'remove-nic',
    args: { network: port.network.name },
    from: FROM,
  });
};

/** @throws HttpError 404. */
export const needInterface = (
  servers: Pick<Servers, 'networkView'>,
  { item }: Pick<Target, 'item'>,
  id: string,
): Port => {
  const port = interfacesOf(servers, item).find((one) => one.id === id.toLowerCase());
  if (!port) throw notFound(`Instance ${item.server.id} does not have a port with id ${id}`);
  return port;
};

const networkFor = (
  servers: Pick<Servers, 'networkView' | 'store'>,
  { item: { report }, caller }: Target,
  { net_id, port_id, fixed_ips, tag }: WantedInterface,
): CloudNetwork => {
  const view = servers.networkView();
  if (net_id !== undefined && port_id !== undefined) throw badRequest('Must not input both network_id and port_id');
  if (port_id !== undefined) {
    const isInUse = view.list.some(({ name }) => {
      const owner = servers.store.get(instanceOfPort(port_id, name));
      return owner?.project === caller.projectId && owner?.deleted_at === null;
    });
    throw isInUse
      ? conflict(`Port ${port_id} is still in use.`)
      : notFound(`Port id ${port_id} could not be found: ports come and go with interfaces; ask for a network.`);
  }
  if (fixed_ips) throw badRequest('The host of a server chooses its addresses: none can be asked for.');
  if (tag !== undefined) throw badRequest('Interfaces have no tags here.');
  if (net_id !== undefined) {
    const network = view.get(net_id.toLowerCase());
    if (!network) throw notFound(`Network ${net_id} could not be found.`);
    return network;
  }
  const own = nicsOf(report).map(({ network }) => network);
  const [only, ...more] = view.list.filter(({ name }) => !own.includes(name));
  if (!only) throw badRequest('The server is on all networks that there are.');
  if (more.length > 0) throw badRequest('Multiple possible networks found, use a Network ID to be more specific.');
  return only;
};

/** It is there; this server may see it a moment later. */
const findAttached = async (servers: Servers, { item }: Target, { name }: CloudNetwork): Promise<Port> => {
  const deadline = performance.now() + SEEN_MS;
  for (;;) {
    const report = servers.store.report(item.server.id);
    const port = interfacesOf(servers, { ...item, report }).find(({ network }) => network.name === name);
    if (port) return port;
    if (performance.now() > deadline)
      throw new HttpError(503, `The interface of ${item.server.id} on ${name} is not seen yet: list its interfaces.`);
    await sleep(LOOK_EVERY_MS);
  }
};
