import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { isLibvirtError } from '@etcd-compute/libvirt/errors';
import { parseNWFilterBinding } from '@etcd-compute/libvirt/xml/nwfilter';
import { OWN_ADDRESS_FILTER } from '../networks/own-address-filter.js';

export interface PortGuest {
  readonly instance: InstanceUuid;
  readonly address: string;
}

/** Whose port it is, and the one address that its filter lets out; undefined when it has no such filter. */
export const findPortGuest = async (connection: Connection, port: string): Promise<PortGuest | undefined> => {
  try {
    await using handle = await connection.nwfilterBindingLookupByPortDev(port);
    const { owner, filter, parameters } = parseNWFilterBinding(await handle.getXMLDesc());
    const instance = instanceUuidSchema.safeParse(owner);
    const address = parameters['IP'];
    if (filter !== OWN_ADDRESS_FILTER || !instance.success || address === undefined) return undefined;
    return { instance: instance.data, address };
  } catch (err) {
    if (isLibvirtError(err, 'VIR_ERR_NO_NWFILTER_BINDING')) return undefined;
    throw err;
  }
};
