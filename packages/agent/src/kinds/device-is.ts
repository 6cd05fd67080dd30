import { whereIsDevice } from '../domains/devices.js';
import type { WishedDevice } from '../steps/detach-device.js';
import type { TurningPoint } from './kind.js';

/** Whether the device that a wish is about is where the wish wants it. */
export const deviceIs =
  (where: 'everywhere' | 'nowhere', wished: WishedDevice): TurningPoint['isDone'] =>
  async (deps, { instance }, wish) =>
    (await whereIsDevice(deps.getConnection(), wished(deps, instance, wish))) === where;
