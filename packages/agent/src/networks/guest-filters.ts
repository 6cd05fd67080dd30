import { createGuestFilter, type GuestFilter, type GuestFilterOptions } from './guest-filter.js';
import { onlyNetwork, type NetworksConfig } from './host-networks.js';

export interface GuestFiltersOptions extends Omit<GuestFilterOptions, 'config'> {
  readonly config: GuestFilterOptions['config'] & NetworksConfig;
}

/**
 * The packet filters of all networks of a host. Each has tables of its own, with the settings of its network. That of the first interfaces
 * also has the ports on bridges, and alone knows who asks the metadata address.
 */
export const createGuestFilters = ({ config, ...options }: GuestFiltersOptions): GuestFilter => {
  const first = createGuestFilter({ ...options, config: { ...config, networks: [] } });
  const further = config.networks.map((network) =>
    createGuestFilter({ ...options, config: { ...config, ...onlyNetwork(network), metadata: false } }),
  );
  const all = [first, ...further];
  return {
    open: async (connection, getConnection) => {
      let isOpen = true;
      for (const filter of all) if (!(await filter.open(connection, getConnection))) isOpen = false;
      return isOpen;
    },
    admit: async (domain) => {
      for (const filter of all) await filter.admit(domain);
    },
    dismiss: async (instance) => {
      for (const filter of all) await filter.dismiss(instance);
    },
    findGuest: first.findGuest,
  };
};
