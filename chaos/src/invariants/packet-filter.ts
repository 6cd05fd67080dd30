import type { WorldHost } from '../world.js';
import { domainsOf, type Rule, type Violation } from './rule.js';

/** By set, an element of a port on the guests' network: all of it, or where the rest is bytes of packets, the port alone. */
type Elements = Readonly<Record<string, string>>;

const PORT_ONLY = ['dhcp-clients', 'link-locals', 'nd-targets'];

const elementsOf = ({ port, mac, address }: { port: string; mac: string; address: string }): Elements => ({
  ports: port,
  macs: `${port} . ${mac}`,
  addresses: `${port} . ${mac} . ${address}`,
  ...Object.fromEntries(PORT_ONLY.map((set) => [set, port])),
});

const portOf = (element: string): string => element.split(' . ')[0] ?? '';

/** Every guest that runs is in the packet filter with its own addresses, and nobody else is: those that are off may be. */
export const filtersHoldTheGuests: Rule = ({ world }) => world.hosts.flatMap(judgeHost);

const judgeHost = (host: WorldHost): Violation[] => {
  const { filter, reserved } = host;
  if (!filter || !reserved) return [];
  const guests = domainsOf({ hosts: [host] }).flatMap(({ uuid, state, interfaces }) =>
    interfaces.map(({ mac, port = 'no port' }) => ({
      uuid,
      isRunning: state === 'running',
      port,
      elements: elementsOf({ port, mac, address: reserved.get(mac) ?? 'no address' }),
    })),
  );
  const missing = guests
    .filter(({ isRunning }) => isRunning)
    .flatMap(({ uuid, elements }) =>
      Object.entries(elements)
        .filter(([set, element]) => !seenIn(filter, set).has(element))
        .map(([set, element]) => ({ rule: 'filter element missing', instance: uuid, what: `${element} in ${set}` })),
    );
  const left = [...filter.keys()].flatMap((set) =>
    [...seenIn(filter, set)]
      .filter((element) => {
        const guest = guests.find(({ port }) => port === portOf(element));
        return !guest || (guest.elements[set] ?? element) !== element;
      })
      .map((element) => ({ rule: 'filter element left', what: `${element} in ${set} on ${host.host}` })),
  );
  return [...missing, ...left];
};

const seenIn = (filter: NonNullable<WorldHost['filter']>, set: string): ReadonlySet<string> => {
  const elements = filter.get(set) ?? new Set();
  return PORT_ONLY.includes(set) ? new Set([...elements].map(portOf)) : elements;
};
