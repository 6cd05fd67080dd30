import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import type { AddressSource, Domain } from '@etcd-compute/libvirt/domain';
import { DomainAgentResponseTimeout } from '@etcd-compute/libvirt/constants';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import type { NetworksConfig } from '../networks/host-networks.js';
import { readNics, type Nic } from '../networks/nics.js';
import { addressesOn, MAX_TOLD, shortWords } from './answer.js';

/** What libvirt says of one domain's addresses. */

export interface GuestFacts {
  /** In the order of the machine. */
  readonly nics: readonly Nic[];
  /** `none`: the domain has no channel for one. */
  readonly agent: 'connected' | 'disconnected' | 'none';
}

export const readGuestFacts = async (
  connection: Connection,
  instance: InstanceUuid,
  config: NetworksConfig,
): Promise<GuestFacts> => {
  await using domain = await connection.domainLookupByUUID(instance);
  const parsed = parseDomain(await domain.getXMLDesc());
  const { guestAgent } = parsed;
  return {
    nics: readNics(parsed, config),
    agent: guestAgent ? (guestAgent.state ?? 'disconnected') : 'none',
  };
};

/** The addresses of a domain's interfaces, as one source tells them; a guest may tell of more than is read. */
export const askAddresses = async (
  domain: Domain,
  { macs, source }: { readonly macs: readonly string[]; readonly source: AddressSource },
  wait: CallWait = {},
): Promise<Address[]> =>
  addressesOn(await domain.interfaceAddresses(source, { macs, maxAddresses: MAX_TOLD }, wait), { macs, source });

/** An agent that answers at all does so in some milliseconds, and a busy guest within this. */
const AGENT_SECONDS = 2;
/** libvirt lets one that asks wait for another, but not for longer than half a minute. */
const ASK_WAIT = { timeoutMs: 45_000 };

/**
 * Asks the guest's agent, for a short time only: libvirt itself would wait for ever, and a guest may do so on purpose. The time is the domain's,
 * for all who ask its agent, so it is given back: a backup that freezes file systems needs longer.
 */
export const askGuestAgent = async (
  connection: Connection,
  instance: InstanceUuid,
  macs: readonly string[],
): Promise<Address[]> => {
  await using domain = await connection.domainLookupByUUID(instance);
  await domain.agentSetResponseTimeout(AGENT_SECONDS, ASK_WAIT);
  try {
    return await askAddresses(domain, { macs, source: 'agent' }, ASK_WAIT);
  } finally {
    await domain.agentSetResponseTimeout(DomainAgentResponseTimeout.BLOCK, ASK_WAIT);
  }
};

export const explainGuestAgent = (err: unknown): string => {
  if (isLibvirtError(err, 'VIR_ERR_AGENT_UNRESPONSIVE')) return 'the guest agent does not answer';
  if (isLibvirtError(err, 'VIR_ERR_OPERATION_TIMEOUT')) return 'the guest agent is busy with another task';
  return `libvirt cannot: ${shortWords(err)}`;
};

export interface AskArpOptions {
  readonly getConnection: () => Connection;
  readonly log: Logger;
  /** How long nobody is asked again after a failure: the table is the host's, so it fails for all guests alike. */
  readonly pauseMs: number;
  readonly now: () => number;
}

/** The host's neighbours, of which libvirt's table has the IPv4 ones. Some libvirts cannot read that of some kernels. */
export const createAskArp = ({ getConnection, log, pauseMs, now }: AskArpOptions) => {
  let failure: { readonly err: unknown; readonly atMs: number } | undefined;
  let said = '';
  return async (instance: InstanceUuid, macs: readonly string[]): Promise<Address[]> => {
    if (failure && now() - failure.atMs < pauseMs) throw failure.err;
    await using domain = await getConnection().domainLookupByUUID(instance);
    try {
      const addresses = await askAddresses(domain, { macs, source: 'arp' });
      failure = undefined;
      return addresses;
    } catch (err) {
      // The guest's own trouble says nothing of the table.
      if (isLibvirtError(err, 'VIR_ERR_OPERATION_INVALID', 'VIR_ERR_NO_DOMAIN')) throw err;
      failure = { err, atMs: now() };
      const words = shortWords(err);
      if (words !== said)
        log.warn({ err }, 'libvirt cannot tell the neighbours of this host; addresses are not looked for there');
      said = words;
      throw err;
    }
  };
};

export const explainArp = (err: unknown): string => `libvirt cannot: ${shortWords(err)}`;
