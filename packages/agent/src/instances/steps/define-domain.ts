import { EcomputeError } from '@etcd-compute/common/errors';
import { renderDomain, type DomainDisk } from '@etcd-compute/libvirt/xml/domain';
import { consoleLog, removeConsoleLogs } from '../../consoles/console-logs.js';
import { hostArchitecture } from '../../virt-type.js';
import { renderMark, undefineDomain } from '../domain.js';
import { needed, type Step } from './step.js';

/** A disk and not a CD-ROM: kernels that are made for clouds have no driver for the controllers of those. */
const configDriveDisk = (path: string): DomainDisk => ({
  path,
  format: 'raw',
  targetDev: 'vdb',
  bus: 'virtio',
  device: 'disk',
  readOnly: true,
});

export const defineDomain: Step = {
  name: 'define-domain',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain,
  run: async ({ getConnection, network, config, mark, virtType, consolesDir }, { spec, made }) => {
    const { path, format } = needed(made.disk, 'the disk');
    const [first, second] = needed(made.interfaces, 'the interfaces');
    const xml = renderDomain({
      type: virtType,
      uuid: spec.instance,
      name: spec.instance,
      ...(virtType !== 'test' && { arch: hostArchitecture() }),
      vcpus: spec.vcpus,
      memoryMiB: spec.memoryMiB,
      ...(config.guests.machine !== undefined && { machine: config.guests.machine }),
      disks: [
        { path, format, targetDev: 'vda', bus: 'virtio', device: 'disk', readOnly: false },
        ...(made.configDrive === undefined ? [] : [configDriveDisk(made.configDrive)]),
      ],
      interfaces: [
        ...(first ? [{ network: network.name, mac: first.mac, model: 'virtio' as const }] : []),
        ...(second && config.bridge !== undefined
          ? [{ bridge: config.bridge, mac: second.mac, model: 'virtio' as const }]
          : []),
      ],
      serial: virtType === 'test' ? {} : { logFile: consoleLog(consolesDir, spec.instance) },
      hasRng: virtType !== 'test',
      hasPanicDevice: virtType !== 'test' && hostArchitecture() === 'x86_64',
      metadata: [renderMark(mark)],
      // A guest that reboots stays; one that powers itself off or crashes is shut off, not forgotten.
      onPoweroff: 'destroy',
      onReboot: 'restart',
      onCrash: 'destroy',
    });
    try {
      await using _domain = await getConnection().domainDefineXML(xml);
    } catch (cause) {
      throw new EcomputeError('ECOMPUTE_DOMAIN_FAILED', `could not define domain ${spec.instance}`, {
        cause,
        retryable: true,
      });
    }
  },
  undo: async ({ getConnection, consolesDir }, instance) => {
    await undefineDomain(getConnection(), instance);
    await removeConsoleLogs(consolesDir, instance);
  },
};
