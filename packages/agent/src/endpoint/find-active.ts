import type { Keys } from '@etcd-compute/common/etcd/keys';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid, ProviderUuid } from '@etcd-compute/common/ids';

export interface FindActiveDeps {
  readonly store: Pick<Store, 'get'>;
  readonly keys: Keys;
  readonly host: ProviderUuid;
}

/** The record of an instance that runs on this host. @param failed makes the error when there is none. */
export const findActive = async (
  { store, keys, host }: FindActiveDeps,
  instance: InstanceUuid,
  failed: (reason: string, hint: string) => EcomputeError,
): Promise<InstanceRecord> => {
  const entry = await store.get(keys.report(host, instance));
  const record = entry && parseMessage(instanceRecordSchema, entry.key, entry.value);
  if (!record || record.host !== host) throw failed('it is not on this host', 'see `eschedule list`');
  if (record.state !== 'active') throw failed(`it is ${record.state}`, `see \`eschedule show ${instance}\``);
  return record;
};
