import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { instanceRecordSchema, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { parseJson } from '@etcd-compute/common/parse-json';
import type { Entry } from '@etcd-compute/common/etcd/store';

/** @returns `not-understood` for a record of another version, which is left alone; the reconciler says so. */
export const readRecord = (entry: Entry | undefined): InstanceRecord | 'not-understood' | undefined => {
  return entry && (parseJson(instanceRecordSchema, entry.value) ?? 'not-understood');
};

/** Undefined for what is no boot request, or of another version; the reconciler says so. */
export const readRequest = ({ value }: Entry): BootRequest | undefined => parseJson(bootRequestSchema, value);
