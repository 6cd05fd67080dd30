import { sleep } from '@etcd-compute/common/async/sleep';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { BridgePort } from './bridge.js';
import type { PortGuest } from './port-guest.js';

/**
 * Which guest has an address: never by what it says, only by where it is plugged in.
 *
 * A port of the bridge whose filter (`networks/own-address-filter.ts`) lets it have one address only is known by that address, and
 * libvirt knows whose port it is. That is proof only while every port has such a filter: a port without one could take any address. So
 * while there is another one on the bridge, nobody is told anything.
 */
export type WhoAsks =
  | { readonly outcome: 'guest'; readonly instance: InstanceUuid }
  | { readonly outcome: 'nobody' }
  | { readonly outcome: 'unsafe'; readonly ports: readonly string[] };

export interface GuestFinder {
  readonly find: (address: string) => Promise<WhoAsks>;
}

export interface GuestFinderOptions {
  /** Everything that is plugged into the bridge now. */
  readonly listPorts: () => Promise<readonly BridgePort[]>;
  /** The one whose port it is, when it can have no other address than its own. */
  readonly findPortGuest: (port: string) => Promise<PortGuest | undefined>;
  readonly now: () => number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A port that was found good is looked at again after this time: somebody may have taken its filter away. */
const TRUST_LASTS_MS = 60_000;
/** libvirt plugs a guest in some time before the filter is there, and the guest runs only after that. */
const FILTER_COMES_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 100;

interface Look {
  readonly guests: ReadonlyMap<string, InstanceUuid>;
  readonly strangers: readonly string[];
}

export const createGuestFinder = (options: GuestFinderOptions): GuestFinder => {
  const { listPorts, findPortGuest, now, log, signal } = options;
  const trusted = new Map<string, PortGuest & { until: number }>();
  const firstSeen = new Map<string, number>();
  let said = '';

  const look = async (): Promise<Look> => {
    const at = now();
    const ports = await listPorts();
    const keys = new Set(ports.map(keyOf));
    for (const known of [trusted, firstSeen]) for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
    const strangers: BridgePort[] = [];
    for (const port of ports) {
      const key = keyOf(port);
      if ((trusted.get(key)?.until ?? 0) > at) continue;
      const guest = await findPortGuest(port.name);
      if (guest) trusted.set(key, { ...guest, until: at + TRUST_LASTS_MS });
      else {
        trusted.delete(key);
        strangers.push(port);
        if (!firstSeen.has(key)) firstSeen.set(key, at);
      }
    }
    return { guests: byAddress([...trusted.values()]), strangers: strangers.map(keyOf) };
  };
  const isYoung = (key: string): boolean => now() - (firstSeen.get(key) ?? 0) < FILTER_COMES_WITHIN_MS;
  /**
   * Waits for the filters of guests that are just being started, but not for those that come after: while many guests are started, there
   * is always one.
   */
  const lookUntilSure = async (): Promise<Look> => {
    const first = await look();
    for (let seen = first; ; seen = await look()) {
      const { guests, strangers } = seen;
      if (!first.strangers.some((key) => strangers.includes(key) && isYoung(key)))
        return { guests, strangers: strangers.filter((key) => !isYoung(key)) };
      await sleep(LOOK_AGAIN_MS, signal);
    }
  };
  let begun = 0;
  let last: { readonly number: number; readonly seen: Look } | undefined;
  let looking: Promise<{ number: number; seen: Look }> | undefined;
  const lookAnew = async (): Promise<{ number: number; seen: Look }> => {
    begun += 1;
    const number = begun;
    return { number, seen: await lookUntilSure() };
  };
  /** A look that begins after this was called: what was plugged in before is seen. All who ask while one is under way share the next. */
  const lookNow = async (): Promise<Look> => {
    const after = begun;
    for (;;) {
      if (last && last.number > after) return last.seen;
      looking ??= lookAnew().finally(() => {
        looking = undefined;
      });
      last = await looking;
    }
  };

  return {
    find: async (address) => {
      const { guests, strangers } = await lookNow();
      const names = strangers.map((key) => key.replace(/#.*/, ''));
      const text = names.join(', ');
      if (text !== said && text === '') log.info('all ports of the bridge are guests again');
      if (text !== said && text !== '')
        log.warn({ ports: names }, 'a port of the bridge has no filter and could be anybody, nobody is told metadata');
      said = text;
      if (names.length > 0) return { outcome: 'unsafe', ports: names };
      const instance = guests.get(address);
      return instance === undefined ? { outcome: 'nobody' } : { outcome: 'guest', instance };
    },
  };
};

/** An address that two ports have says nothing. */
const byAddress = (guests: readonly PortGuest[]): Map<string, InstanceUuid> => {
  const found = new Map<string, InstanceUuid>();
  const twice = new Set<string>();
  for (const { address, instance } of guests) {
    if (found.has(address)) twice.add(address);
    found.set(address, instance);
  }
  for (const address of twice) found.delete(address);
  return found;
};

const keyOf = ({ name, index }: BridgePort): string => `${name}#${index}`;
