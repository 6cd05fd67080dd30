import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainModificationImpact } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { parseDomain, renderInterface, type DomainNetworkInterface } from '@etcd-compute/libvirt/xml/domain';
import { renderNWFilter, type NWFilterRule } from '@etcd-compute/libvirt/xml/nwfilter';
import { readMark } from '../instances/domain.js';
import { addressOfMac, planNetwork } from './address-plan.js';

/**
 * A network filter (libvirt's nwfilter) that lets nothing out of a guest's interface that claims another's MAC or IPv4 address, in
 * Ethernet, IP or ARP: so an address says which guest asks, and no guest can take what is sent to another, or to the host.
 *
 * Whatever is not named passes not: of other protocols a frame could hide its IP packet, as a VLAN tag with number 0 does. libvirt's own
 * `clean-traffic` would do but for IPv6, which it stops.
 */
export const OWN_ADDRESS_FILTER = 'ecompute-own-address';

const out = (priority: number, match: NWFilterRule['match']): NWFilterRule => ({
  action: match ? 'accept' : 'drop',
  direction: 'out',
  priority,
  ...(match && { match }),
});

const FILTER = renderNWFilter({
  name: OWN_ADDRESS_FILTER,
  // Always the same, so that it can be defined again.
  uuid: '6a1c1c0e-6b1f-4b0e-9d0f-0f4b3a5f6e21',
  // Few: each costs every start of a guest some 0.05 s of ebtables.
  rules: [
    out(100, { protocol: 'ip', attributes: { srcmacaddr: '$MAC', srcipaddr: '$IP' } }),
    out(200, {
      protocol: 'ip',
      attributes: { srcmacaddr: '$MAC', srcipaddr: '0.0.0.0', protocol: 'udp', srcportstart: '68', dstportstart: '67' },
    }),
    out(300, { protocol: 'arp', attributes: { srcmacaddr: '$MAC', arpsrcmacaddr: '$MAC', arpsrcipaddr: '$IP' } }),
    // Who asks whether an address is free has none yet.
    out(400, { protocol: 'arp', attributes: { srcmacaddr: '$MAC', arpsrcmacaddr: '$MAC', arpsrcipaddr: '0.0.0.0' } }),
    out(500, { protocol: 'mac', attributes: { srcmacaddr: '$MAC', protocolid: 'ipv6' } }),
    out(1000, undefined),
  ],
});

type FilterMembers = Required<Pick<DomainNetworkInterface, 'filter' | 'filterParameters'>>;

/** The filter of an interface on the managed network. @throws when the MAC is none of that network's: a mistake of the caller. */
export const ownAddressFilterOf = (mac: string, cidr: string): FilterMembers => {
  const address = addressOfMac(mac, planNetwork(cidr));
  if (address === undefined) throw new Error(`MAC ${mac} has no address in ${cidr}`);
  return { filter: OWN_ADDRESS_FILTER, filterParameters: { IP: address } };
};

/** Defines the filter; repeatable. @throws ECOMPUTE_METADATA_FAILED */
export const ensureOwnAddressFilter = async (connection: Connection): Promise<void> => {
  try {
    await using _filter = await connection.nwfilterDefineXML(FILTER);
  } catch (cause) {
    throw new EcomputeError('ECOMPUTE_METADATA_FAILED', `could not define the network filter '${OWN_ADDRESS_FILTER}'`, {
      cause,
      hint: "the metadata address needs libvirt's nwfilter driver and ebtables: install them, or set metadata to false",
    });
  }
};

export interface FilterGuestsOptions {
  readonly networkName: string;
  readonly cidr: string;
  readonly log: Logger;
}

/** Puts the filter on guests of ours that were made without it, also on those that run. One that cannot have it is logged. */
export const filterGuests = async (connection: Connection, options: FilterGuestsOptions): Promise<void> => {
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    try {
      await filterGuest(handle, options);
    } catch (err) {
      options.log.error({ err, domainName: handle.name }, 'guest has no filter, nobody is told metadata while it runs');
    }
  }
};

const filterGuest = async (domain: Domain, { networkName, cidr, log }: FilterGuestsOptions): Promise<void> => {
  const first = parseDomain(await domain.getXMLDesc()).interfaces.find(({ network }) => network === networkName);
  if (!first || addressOfMac(first.mac, planNetwork(cidr)) === undefined) return;
  const wanted = ownAddressFilterOf(first.mac, cidr);
  if (first.filter === wanted.filter && first.filterParameters?.['IP'] === wanted.filterParameters['IP']) return;
  if (!instanceUuidSchema.safeParse(domain.uuid).success || !(await readMark(domain))) return;
  const impact =
    ((await domain.isActive()) ? DomainModificationImpact.LIVE : 0) |
    ((await domain.isPersistent()) ? DomainModificationImpact.CONFIG : 0);
  const { mac, model } = first;
  await domain.updateDeviceFlags(renderInterface({ network: networkName, mac, model, ...wanted }), impact);
  log.info({ instanceUuid: domain.uuid }, 'guest was made without a filter, has it now');
};
