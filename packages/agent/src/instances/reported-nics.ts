import type { ReportedNic, WantedNic } from '@etcd-compute/common/etcd/messages/nics';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import { readNics, type Nic } from '../networks/nics.js';
import type { StepDeps } from '../steps/step.js';

/** The interfaces of a new instance, as they were planned. */
export const reportedNicsOf = (nics: readonly Nic[]): ReportedNic[] =>
  nics.map(({ slot, network, mac, address }) => ({ slot, network, mac, ...(address !== undefined && { address }) }));

/** Whether a record says which interfaces the instance has. */
export const saysNics = (nics: readonly ReportedNic[] | null): nics is readonly ReportedNic[] =>
  nics !== null && nics.every(({ mac }) => mac !== undefined);

/**
 * The interfaces that an instance asks for, each with the MAC that it has in the definition of the domain. One that asks for none has those
 * that its domain has.
 */
export const readReportedNics = async (
  { getConnection, config }: Pick<StepDeps, 'getConnection' | 'config'>,
  { instance, nics }: { readonly instance: InstanceUuid; readonly nics?: readonly WantedNic[] | null | undefined },
): Promise<ReportedNic[]> => {
  await using domain = await getConnection().domainLookupByUUID(instance);
  const found = readNics(parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE)), config);
  if (!nics) return reportedNicsOf(found);
  return nics.map(({ slot, network }) => {
    const { mac = null, address } = found.find((nic) => nic.network === network) ?? {};
    return { slot, network, mac, ...(address !== undefined && { address }) };
  });
};
