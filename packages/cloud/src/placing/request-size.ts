import { MAX_REQUEST_BYTES, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { formatBytes } from '@etcd-compute/common/units';
import { EcomputeError } from '@etcd-compute/common/errors';
import { renderRequest, type InstanceSpec } from './write-request.js';

const PARTS = [
  ['user_data', 'user data'],
  ['user_data_base64', 'user data'],
  ['ssh_keys', 'ssh keys'],
  ['meta', 'metadata'],
  ['image', 'the image URL'],
] as const satisfies readonly (readonly [keyof BootRequest, string])[];

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? '');

/**
 * Refuses what would make a boot request too large, before anything is allocated for it. Sizes are those of the JSON in etcd, where
 * quotes, line breaks and control characters take more than one byte.
 *
 * @throws EcomputeError ECOMPUTE_USAGE that names each part that matters, with its size.
 */
export const checkRequestSize = (spec: InstanceSpec): void => {
  const request = renderRequest(spec, { allocations: {} });
  const size = sizeOf(request);
  if (size <= MAX_REQUEST_BYTES) return;
  const parts = PARTS.map(([member, name]) => ({ name, bytes: sizeOf(request[member]) }))
    .filter(({ bytes }) => bytes > MAX_REQUEST_BYTES / 20)
    .toSorted((a, b) => b.bytes - a.bytes);
  const words = parts.map(({ name, bytes }) => `${name} ${formatBytes(bytes)}`).join(', ');
  throw new EcomputeError(
    'ECOMPUTE_USAGE',
    `the boot request would be ${formatBytes(size)} in etcd, and at most ${formatBytes(MAX_REQUEST_BYTES)} are allowed: ${words}`,
    { hint: 'make it smaller; the guest can fetch large data itself, for example with an `#include` in its user data' },
  );
};
