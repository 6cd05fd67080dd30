import { removeConfigDrive, writeConfigDrive } from '../../guest-config/config-drives.js';
import { hostnameOf } from '../../guest-config/guest-config.js';
import { needed, type Step } from './step.js';

/** The small disk from which the guest learns its name, its keys and its user data. */
export const createConfigDrive: Step = {
  name: 'create-config-drive',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.disk,
  run: async ({ config, configDrivesDir }, { spec, made }) => {
    const layout = config.guests.config_drive;
    if (layout === 'none') return;
    const { ssh_keys: sshKeys = [], user_data: userData, meta = {} } = spec.guest;
    made.configDrive = await writeConfigDrive({
      folder: configDrivesDir,
      layout,
      guest: {
        instance: spec.instance,
        hostname: hostnameOf(spec.instance, spec.name),
        sshKeys,
        userData,
        meta,
        interfaces: needed(made.interfaces, 'the interfaces'),
      },
    });
  },
  undo: async ({ configDrivesDir }, instance) => removeConfigDrive(configDrivesDir, instance),
};
