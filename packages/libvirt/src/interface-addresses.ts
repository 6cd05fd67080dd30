import type { CallWait } from './call-wait.js';
import type { DomainPointer } from './ffi/pointers.js';
import { ipFamily } from './ip-family.js';
import type { IpFamily } from './ip-family.js';
import type { OwnedPointer } from './owned-pointer.js';

/** virDomainInterfaceAddressesSource. */
const SOURCES = { lease: 0, agent: 1, arp: 2 } as const;

export type AddressSource = keyof typeof SOURCES;

export interface DomainInterface {
  /** The host's name for it (`vnet0`), or the guest's when asked of the agent. */
  readonly name: string;
  readonly mac: string | null;
  readonly addresses: readonly { readonly address: string; readonly family: IpFamily; readonly prefix: number }[];
}

/** What to read of an answer, which a guest may have made as large as it likes. */
export interface AddressLimits {
  /** Only interfaces with these MACs, in lower case. */
  readonly macs?: readonly string[];
  /** Of all interfaces together; the rest is left out. */
  readonly maxAddresses?: number;
}

export async function interfaceAddresses(
  domain: OwnedPointer<DomainPointer>,
  { source, macs, maxAddresses = Number.POSITIVE_INFINITY }: AddressLimits & { readonly source: AddressSource },
  wait: CallWait,
): Promise<DomainInterface[]> {
  const parameters = [SOURCES[source], macs ?? null, maxAddresses] as const;
  const interfaces = await domain.call('domainInterfaceAddresses', [...parameters], wait);
  return interfaces.map(({ name, mac, addresses }) => ({
    name,
    mac,
    addresses: addresses.map(({ address, type, prefix }) => ({ address, family: ipFamily(type), prefix })),
  }));
}
