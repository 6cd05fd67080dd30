import { hasConfigDrive, removeConfigDrive, writeConfigDrive } from '../guest-config/config-drives.js';
import { guestConfigOf } from '../guest-config/guest-config.js';
import { reserveNics } from './reserve-address.js';
import type { Step } from './step.js';

/** The small disk from which the guest learns its name, its keys and its user data. */
export const createConfigDrive: Step = {
  name: 'create-config-drive',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk,
  run: async ({ config, networks, configDrivesDir }, { spec, made }) => {
    const layout = config.guests.config_drive;
    if (layout === 'none') return;
    const guest = guestConfigOf(spec, made.nics ?? reserveNics({ networks, config }, spec));
    made.configDrive = await writeConfigDrive({ folder: configDrivesDir, layout, guest });
  },
  undo: async ({ configDrivesDir }, instance) => removeConfigDrive(configDrivesDir, instance),
  isThere: async ({ configDrivesDir }, instance) => hasConfigDrive(configDrivesDir, instance),
};
