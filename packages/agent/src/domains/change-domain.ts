import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import { DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import { editDomain, type DomainChanges } from '@etcd-compute/libvirt/xml/edit-domain';

/** Changes the definition of a domain, which counts from its next start; at once or not at all, and repeatable. */
export const changeDomain = async (
  connection: Connection,
  { instance, ...changes }: DomainChanges & { readonly instance: InstanceUuid },
  wait: CallWait,
): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(instance, wait);
  const xml = await domain.getXMLDesc(DomainXMLFlags.INACTIVE | DomainXMLFlags.SECURE, wait);
  await using _changed = await connection.domainDefineXML(editDomain(xml, changes), 0, wait);
};
