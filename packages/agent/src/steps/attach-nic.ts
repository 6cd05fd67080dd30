import type { DomainDevice } from '@etcd-compute/libvirt/xml/domain';
import { attachDevice } from '../domains/devices.js';
import { domainInterfaceOf } from './domain-spec.js';
import { reserveNics } from './reserve-address.js';
import { needed, type Step } from './step.js';
import { wishedNic } from './wished-nic.js';

/** Gives the domain the interface that a wish is about, and the guest, if it runs. Its port is open before the guest has it. */
export const attachNic: Step = {
  name: 'attach-nic',
  kind: 'quick',
  timeoutSeconds: ({ timeouts }) => timeouts.domain + timeouts.libvirt,
  run: async (deps, { spec: { instance, nics }, wish, signal }) => {
    const { lend, filter, virtType } = deps;
    const wished = wishedNic(deps, instance, wish);
    const isWished = ({ network }: { readonly network: string }): boolean => network === wished.network;
    // What a domain has already is reserved.
    const make = (): DomainDevice => {
      const reserved = reserveNics(deps, { instance, nics: nics?.filter(isWished) });
      return { interface: domainInterfaceOf(needed(reserved.find(isWished), wished.what), virtType) };
    };
    const options = { ...wished, make, onDefined: filter.admit };
    await lend('work', async (connection) => attachDevice(connection, options, { signal }), signal);
  },
};
