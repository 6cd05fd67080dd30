import { attachDevice, type DomainViews } from '../domains/devices.js';
import { furtherDomainDisk } from './domain-disks.js';
import type { Step } from './step.js';
import { wishedDisk } from './wished-disk.js';

/** Gives the domain the disk that a wish is about, and the guest, if it runs. */
export const attachDisk: Step = {
  name: 'attach-disk',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async (deps, { spec: { instance }, wish, signal }) => {
    const disk = wishedDisk(deps, instance, wish);
    const make = ({ definition, guest }: DomainViews) => {
      const taken = { disks: [...definition.disks, ...(guest?.disks ?? [])] };
      const { uuid, path } = disk;
      return { disk: furtherDomainDisk({ uuid, path, format: 'qcow2' }, { config: deps.config.disks, taken }) };
    };
    await deps.lend('work', async (connection) => attachDevice(connection, { ...disk, make }, { signal }), signal);
  },
};
