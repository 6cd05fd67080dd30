import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Logger } from '@etcd-compute/common/log';
import type { LeaseWatch } from '../networks/leases.js';
import type { RecordWriter } from './record-writer.js';
import type { StepDeps } from './steps/step.js';

export interface FindAddressDeps {
  readonly keys: Keys;
  readonly leases: LeaseWatch;
  readonly steps: Pick<StepDeps, 'network' | 'config'>;
  readonly log: Logger;
}

/** When the guest was started, as far as the record knows: a lease of an earlier guest with the same MAC does not count. */
export const startedAfter = ({ transitions, created_at }: InstanceRecord): Date => {
  const last = transitions.findLastIndex(({ state }) => state === 'active');
  // What came before is noted before the guest is started.
  const { at } = transitions[last - 1] ?? transitions[last] ?? { at: created_at };
  return new Date(at);
};

/**
 * Writes the guest's address to the record and to `/booted` when it has one. Until then it is looked for; after the deadline the
 * record says which sources were asked, the instance stays active, and a later look may still find one.
 */
export const findAddress = async (
  { keys, leases, steps, log }: FindAddressDeps,
  writer: RecordWriter,
): Promise<void> => {
  const { record } = writer;
  const { instance } = record;
  const mac = steps.network.macOf(instance);
  const since = startedAfter(record);
  const addresses = mac === undefined ? [] : await leases.find(instance, mac, since);
  const [first] = addresses;
  if (first) {
    leases.forget(instance);
    await writer.update({ addresses, address_sources: { lease: 'found' } }, [
      { op: 'put', key: keys.booted(instance), value: first.address },
    ]);
    log.info({ instanceUuid: instance, address: first.address }, 'address found');
    return;
  }
  if (record.address_sources !== null) return;
  const timeoutSeconds = steps.config.timeouts.address;
  const until = new Date(since.getTime() + timeoutSeconds * 1000);
  if (mac !== undefined && until.getTime() > Date.now()) {
    leases.expect(instance, { mac, since, until });
    return;
  }
  const answer = mac === undefined ? 'the instance has no reservation' : `no lease within ${timeoutSeconds} s`;
  await writer.update({ address_sources: { lease: answer } });
  log.warn({ instanceUuid: instance, answer }, 'guest has no address');
};
