import type { InstanceUuid } from '@etcd-compute/common/ids';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { readInstances } from './instance-entry.js';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';

export interface FoundAddress {
  /** The first one. */
  readonly address: string | undefined;
  /** What its agent reports; an agent of the original reports an address and nothing else. */
  readonly record: InstanceRecord | undefined;
}

/** The address of an instance, as the original's clients ask for it: one that is unknown has none. */
export const findAddress = async (
  services: Services,
  instance: InstanceUuid,
  options: RunOptions = {},
): Promise<FoundAddress> =>
  run(options, async () => {
    const [[found], booted] = await Promise.all([
      readInstances(services, [{ instance }]),
      services.store().then(async (store) => store.get(services.keys.booted(instance))),
    ]);
    // Where agents do not write the original's key, the record has the address all the same.
    const address = booted?.value || found?.record?.addresses[0]?.address;
    return { address, record: found?.record };
  });
