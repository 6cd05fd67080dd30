import { EcomputeError } from '@etcd-compute/common/errors';
import { renderDomainXml } from '@etcd-compute/libvirt/xml/domain';
import { METADATA_NAMESPACE, METADATA_PREFIX, renderMark, undefineDomain } from '../domain.js';
import { needed, type Step } from './step.js';

export const defineDomain: Step = {
  name: 'define-domain',
  isHeavy: true,
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, network, config, mark, virtType }, { spec, made }) => {
    const { path, format } = needed(made.disk, 'the disk');
    const [first, second] = needed(made.interfaces, 'the interfaces');
    const xml = renderDomainXml({
      type: virtType,
      uuid: spec.instance,
      name: spec.instance,
      vcpus: spec.vcpus,
      memoryMiB: spec.memoryMiB,
      ...(config.guests.machine !== undefined && { machine: config.guests.machine }),
      disks: [{ path, format, targetDev: 'vda', bus: 'virtio', device: 'disk' }],
      interfaces: [
        ...(first ? [{ network: network.name, mac: first.mac, model: 'virtio' as const }] : []),
        ...(second && config.bridge !== undefined ? [{ bridge: config.bridge, mac: second.mac, model: 'virtio' as const }] : []),
      ],
      metadata: [{ prefix: METADATA_PREFIX, namespace: METADATA_NAMESPACE, xml: renderMark(mark) }],
      // A guest that reboots stays; one that powers itself off or crashes is shut off, not forgotten.
      onPoweroff: 'destroy',
      onReboot: 'restart',
      onCrash: 'destroy',
    });
    try {
      await using _domain = await getConnection().domainDefineXML(xml);
    } catch (cause) {
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not define domain ${spec.instance}`, { cause, retryable: true });
    }
  },
  undo: async ({ getConnection }, instance) => undefineDomain(getConnection(), instance),
};
