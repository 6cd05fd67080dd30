import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainModificationImpact, DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomain, renderInterface, type DomainNetworkInterface } from '@etcd-compute/libvirt/xml/domain';
import { hasMark } from '../instances/domain.js';
import { isOwnPortName, portNameOf } from './ports.js';

/**
 * Guests of an earlier version of the agent: their ports have libvirt's names, which change with every start, and some have a filter of
 * libvirt's (nwfilter), which the packet filter replaces. To be called when that is in place. Repeatable; a guest that cannot be changed is logged.
 */
export const adoptGuests = async (connection: Connection, log: Logger): Promise<void> => {
  for (const domain of await connection.listAllDomains()) {
    await using handle = domain;
    try {
      await adoptGuest(handle, log);
    } catch (err) {
      if (!isLibvirtError(err, 'VIR_ERR_NO_DOMAIN'))
        log.error({ err, domainName: handle.name }, 'guest keeps the definition of an earlier version');
    }
  }
  await undefineOldFilter(connection, log);
};

const OLD_FILTER = 'ecompute-own-address';

const isOld = ({ targetDev, filter }: DomainNetworkInterface): boolean =>
  filter === OLD_FILTER || !isOwnPortName(targetDev ?? '');

const sourceOf = ({ network, bridge, mac, model }: DomainNetworkInterface): DomainNetworkInterface =>
  network === undefined ? { bridge, mac, model } : { network, mac, model };

const adoptGuest = async (domain: Domain, log: Logger): Promise<void> => {
  const instance = instanceUuidSchema.safeParse(domain.uuid);
  const current = parseDomain(await domain.getXMLDesc());
  if (!instance.success || !hasMark(current.metadata ?? []) || !current.interfaces.some(isOld)) return;
  if (await domain.isPersistent()) await adoptDefinition(domain, instance.data);
  if (await domain.isActive())
    for (const entry of current.interfaces.filter(({ filter }) => filter === OLD_FILTER)) {
      await domain.updateDeviceFlags(renderInterface(sourceOf(entry)), DomainModificationImpact.LIVE);
      log.info(
        { instanceUuid: instance.data },
        'guest has no filter of libvirt’s any more, the packet filter does without',
      );
    }
};

/** What it is at its next start. */
const adoptDefinition = async (domain: Domain, instance: InstanceUuid): Promise<void> => {
  const { interfaces } = parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE));
  for (const [index, entry] of interfaces.entries())
    if (isOld(entry)) {
      const adopted = { ...sourceOf(entry), targetDev: portNameOf(instance, index) };
      await domain.updateDeviceFlags(renderInterface(adopted), DomainModificationImpact.CONFIG);
    }
};

const undefineOldFilter = async (connection: Connection, log: Logger): Promise<void> => {
  try {
    await using filter = await connection.nwfilterLookupByName(OLD_FILTER);
    await filter.undefine();
  } catch (err) {
    // Not there, or no such driver; or another agent's guest still has it.
    log.debug({ err }, 'no old filter to undefine');
  }
};
