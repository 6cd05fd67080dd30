import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import ipaddr from 'ipaddr.js';

/** What the sources say of a guest's addresses, and what a record makes of it. Pure. */

export type Source = Address['source'];

export interface Answer {
  /** `found`, or why there is nothing. */
  readonly said: string;
  readonly addresses: readonly Address[];
}

/** `pending`: was asked and has not answered yet. Missing: need not be asked. */
export type Answers = { readonly [source in Source]?: Answer | 'pending' };

export const FOUND = 'found';

/** A guest says what it likes about itself. */
const MAX_ADDRESSES = 32;
/** What is read of one answer: some of it may be of no use to others. */
export const MAX_TOLD = 64;
const MAX_WORDS = 200;

/** Of no use to anybody but the guest and its next neighbours. */
const UNUSABLE = new Set(['unspecified', 'broadcast', 'multicast', 'linkLocal', 'loopback', 'ipv4Mapped']);

/** The address as everybody writes it; undefined for one that is of no use to others. */
export const usableAddress = (text: string): Pick<Address, 'address' | 'family'> | undefined => {
  if (!ipaddr.isValid(text)) return undefined;
  const parsed = ipaddr.parse(text);
  if (UNUSABLE.has(parsed.range())) return undefined;
  if (parsed instanceof ipaddr.IPv6) return { address: parsed.toRFC5952String(), family: 'ipv6' };
  return { address: parsed.toString(), family: 'ipv4' };
};

/** As libvirt gives them, whatever the source. */
export interface SeenInterface {
  readonly mac: string | null;
  readonly addresses: readonly { readonly address: string }[];
}

/** Those of the guest's own interfaces: a guest may have others inside, which nobody else can reach. */
export const addressesOn = (
  interfaces: readonly SeenInterface[],
  { macs, source }: { readonly macs: readonly string[]; readonly source: Source },
): Address[] =>
  interfaces.flatMap(({ mac, addresses }) => {
    const own = mac?.toLowerCase();
    if (own === undefined || !macs.includes(own)) return [];
    return addresses.flatMap(({ address }) => {
      const usable = usableAddress(address);
      return usable ? [{ ...usable, mac: own, source }] : [];
    });
  });

const SOURCES = ['lease', 'agent', 'arp'] as const;

const answerOf = (answers: Answers, source: Source): readonly Address[] => {
  const answer = answers[source];
  return answer === undefined || answer === 'pending' ? [] : answer.addresses;
};

/**
 * Each address once, by the source that is to be trusted most. ARP remembers what was, so it counts only for an interface of which
 * nobody else says anything. IPv4 comes first, each in the order of the guest's interfaces: the first one is what the original would
 * report.
 */
export const arrangeAddresses = (macs: readonly string[], answers: Answers): Address[] => {
  const chosen = new Map<string, Address>();
  const known = new Set<string | null>();
  for (const source of SOURCES) {
    const told = answerOf(answers, source).filter(({ mac }) => source !== 'arp' || !known.has(mac));
    for (const entry of told) {
      const key = `${entry.mac} ${entry.address}`;
      if (!chosen.has(key)) chosen.set(key, entry);
    }
    for (const { mac } of told) known.add(mac);
  }
  const rank = ({ family, mac }: Address): number => (family === 'ipv4' ? 0 : macs.length) + macs.indexOf(mac ?? '');
  return [...chosen.values()].toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_ADDRESSES);
};

/** What each source said, by its name. */
export const wordsOf = (answers: Answers): Record<string, string> =>
  Object.fromEntries(
    SOURCES.flatMap((source) => {
      const answer = answers[source];
      return answer === undefined || answer === 'pending' ? [] : [[source, answer.said]];
    }),
  );

/** An error in a few words: those of a guest agent are the guest's. */
export const shortWords = (err: unknown): string => {
  const text = err instanceof Error ? err.message : String(err);
  return text.replaceAll(/\p{Cc}+/gu, ' ').slice(0, MAX_WORDS);
};
