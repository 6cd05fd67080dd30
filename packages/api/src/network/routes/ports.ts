import { callerOf, type ApiRequest, type Route } from '../../http/route.js';
import { newNetwork } from '../engine/networks.js';
import type { Port } from '../engine/ports.js';
import { defaultGroupOf } from '../engine/security-group.js';
import type { Item, Matcher } from '../engine/select.js';
import { isOverseer, type Network } from '../network.js';
import { renderPort } from '../render.js';
import { findPort, listPorts } from './find.js';
import { listReply, showReply } from './lists.js';

const NOBODYS: Port = {
  id: '',
  network: newNetwork(''),
  mac: '',
  addresses: [],
  device: '',
  project: '',
  host: null,
  status: 'DOWN',
  createdAt: null,
  updatedAt: null,
};
const ATTRIBUTES = Object.keys(renderPort(NOBODYS, defaultGroupOf(''), true));

interface FixedIp {
  readonly subnet_id: string | null;
  readonly ip_address: string;
}

/** `fixed_ips=ip_address=10.45.0.2`; `ip_address_substr` takes a part of an address. */
const hasFixedIp: Matcher = ({ fixed_ips }, wanted) => {
  const at = wanted.indexOf('=');
  const [name, value] = [wanted.slice(0, Math.max(at, 0)), wanted.slice(at + 1)];
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- rendered by renderPort
  return (fixed_ips as readonly FixedIp[]).some(({ subnet_id, ip_address }) => {
    if (name === 'subnet_id') return subnet_id === value;
    if (name === 'ip_address_substr') return ip_address.includes(value);
    return name === 'ip_address' && ip_address === value;
  });
};

const MATCHERS: Readonly<Record<string, Matcher>> = {
  fixed_ips: hasFixedIp,
  mac_address: ({ mac_address }, wanted) => mac_address === wanted.toLowerCase(),
};

/** The interfaces of servers. They come and go with their servers. */
export const createPortRoutes = (network: Network): readonly Route[] => {
  const render = (port: Port, request: Pick<ApiRequest, 'caller'>): Item =>
    renderPort(port, defaultGroupOf(port.project), isOverseer(callerOf(request)));
  return [
    {
      method: 'GET',
      path: '/v2.0/ports',
      rule: 'network:get_port',
      handle: async (request) =>
        listReply(network, request, {
          name: 'ports',
          items: (await listPorts(network, request)).map((port) => render(port, request)),
          attributes: ATTRIBUTES,
          matchers: MATCHERS,
        }),
    },
    {
      method: 'GET',
      path: '/v2.0/ports/:id',
      rule: 'network:get_port',
      handle: async (request) => showReply('port', render(await findPort(network, request), request), request),
    },
  ];
};
