import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import { detachDevice, type DeviceOptions } from '../domains/devices.js';
import type { Step, StepDeps } from './step.js';
import { wishedDisk } from './wished-disk.js';
import { wishedNic } from './wished-nic.js';

/** The device that a wish is about. */
export type WishedDevice = (deps: StepDeps, instance: InstanceUuid, wish: Wish | null | undefined) => DeviceOptions;

/** Takes the device that a wish is about from the guest, if it runs, and from the domain. */
const detachStep = (name: string, wished: WishedDevice): Step => ({
  name,
  kind: 'waiting',
  timeoutSeconds: ({ timeouts }) => timeouts.unplug + timeouts.domain,
  run: async (deps, { spec: { instance }, wish, signal }) => {
    const patienceMs = deps.config.timeouts.unplug * 1000;
    const options = { ...wished(deps, instance, wish), patienceMs, signal };
    await deps.lend('guest', async (connection) => detachDevice(connection, options), signal);
  },
});

export const detachDisk = detachStep('detach-disk', wishedDisk);
export const detachNic = detachStep('detach-nic', wishedNic);
