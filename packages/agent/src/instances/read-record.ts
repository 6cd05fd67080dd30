import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Entry } from '@etcd-compute/common/etcd/store';

/** @returns `not-understood` for a record of another version, which is left alone; the reconciler says so. */
export const readRecord = (entry: Entry | undefined): InstanceRecord | 'not-understood' | undefined => {
  if (!entry) return undefined;
  try {
    return instanceRecordSchema.parse(JSON.parse(entry.value));
  } catch {
    return 'not-understood';
  }
};

/** Undefined for what is no boot request, or of another version; the reconciler says so. */
export const readRequest = ({ value }: Entry): BootRequest | undefined => {
  try {
    return bootRequestSchema.parse(JSON.parse(value));
  } catch {
    return undefined;
  }
};
