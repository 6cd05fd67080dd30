import { hasConfigDrive, removeConfigDrive, writeConfigDrive } from '../guest-config/config-drives.js';
import { guestConfigOf } from '../guest-config/guest-config.js';
import { addressOfMac, planNetwork } from '../networks/address-plan.js';
import { reserveInterfaces } from './reserve-address.js';
import type { Step } from './step.js';

/** The small disk from which the guest learns its name, its keys and its user data. */
export const createConfigDrive: Step = {
  name: 'create-config-drive',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk,
  run: async ({ config, network, configDrivesDir }, { spec, made }) => {
    const layout = config.guests.config_drive;
    if (layout === 'none') return;
    const interfaces = made.interfaces ?? reserveInterfaces({ network, config }, spec.instance);
    const { manage, cidr } = config.network;
    const address = manage && interfaces[0] ? addressOfMac(interfaces[0].mac, planNetwork(cidr)) : undefined;
    const guest = guestConfigOf(spec, { interfaces, address });
    made.configDrive = await writeConfigDrive({ folder: configDrivesDir, layout, guest });
  },
  undo: async ({ configDrivesDir }, instance) => removeConfigDrive(configDrivesDir, instance),
  isThere: async ({ configDrivesDir }, instance) => hasConfigDrive(configDrivesDir, instance),
};
