import type { Step } from './step.js';
import { wishedNic } from './wished-nic.js';

/** Gives back what the interface had that a wish is about: its elements in the packet filter, and its address. */
export const releaseAddress: Step = {
  name: 'release-address',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async (deps, { spec: { instance }, wish, signal }) => {
    const { getConnection, filter, networks } = deps;
    const { network } = wishedNic(deps, instance, wish);
    await using domain = await getConnection().domainLookupByUUID(instance, { signal });
    await filter.admit(domain);
    networks.release(instance, network);
  },
};
