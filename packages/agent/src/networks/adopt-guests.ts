import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainModificationImpact, DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseDomain, renderDevice, type DomainNetworkInterface } from '@etcd-compute/libvirt/xml/domain';
import { hasMark } from '../domains/domain.js';
import { isOwnPortName, portNameOf } from './port-names.js';

/**
 * Updates guests that an earlier version of the agent made: their ports get names of ours at the next start, and they lose libvirt's filter (nwfilter) at once.
 * Call it when the packet filter is in place. Repeatable. Logs guests that it could not change.
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
      await domain.updateDeviceFlags(renderDevice({ interface: sourceOf(entry) }), DomainModificationImpact.LIVE);
      log.info({ instanceUuid: instance.data }, 'removed libvirt’s filter from a guest, the packet filter replaces it');
    }
};

/** Takes effect at the guest's next start. */
const adoptDefinition = async (domain: Domain, instance: InstanceUuid): Promise<void> => {
  const { interfaces } = parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE));
  for (const [index, entry] of interfaces.entries())
    if (isOld(entry)) {
      const adopted = { ...sourceOf(entry), targetDev: portNameOf(instance, index) };
      await domain.updateDeviceFlags(renderDevice({ interface: adopted }), DomainModificationImpact.CONFIG);
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
