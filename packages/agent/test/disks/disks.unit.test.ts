import { planDisks } from '@etcd-compute/agent/disks/disks';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { aBootRequest, HERE, INSTANCE } from '../instances/builders.js';
import { expect, test } from 'vitest';

const [FIRST, SECOND] = ['0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30', '1c9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f31'];

test('a request that names no disks is of one root disk, with all of DISK_GB', () => {
  expect(planDisks(aBootRequest(), 7)).toEqual([{ uuid: INSTANCE, sizeGiB: 7 }]);
});

test('further disks have their own sizes, and leave the rest to the root disk', () => {
  const disks = [
    { uuid: FIRST, size_gib: 4 },
    { uuid: SECOND, size_gib: 2 },
  ];
  const request = aBootRequest(JSON.parse(JSON.stringify({ disks })));
  expect(planDisks(request, 7)).toEqual([
    { uuid: INSTANCE, sizeGiB: 1 },
    { uuid: FIRST, sizeGiB: 4 },
    { uuid: SECOND, sizeGiB: 2 },
  ]);
  expect(() => planDisks(request, 6)).toThrow(
    expect.objectContaining({
      code: 'ECOMPUTE_REQUEST_INVALID',
      message: `the further disks of instance ${INSTANCE} have 6 GiB, which leaves nothing of its DISK_GB (6) for the root disk`,
    }),
  );
});

test('a disk of a shelved instance is made from its copy; one without a copy is not made empty', () => {
  const source = { host: HERE, id: FIRST, key: `${'a'.repeat(43)}=` };
  const [rootCopy, copy] = [INSTANCE, FIRST].map((disk) => ({ disk, sha256: '1'.repeat(64), source }));
  const requestOf = (copies: readonly unknown[]): BootRequest =>
    aBootRequest(
      JSON.parse(JSON.stringify({ disks: [{ uuid: FIRST, size_gib: 4 }], shelved: { was_running: true, copies } })),
    );
  expect(planDisks(requestOf([copy, rootCopy]), 7)).toEqual([
    { uuid: INSTANCE, sizeGiB: 3, copy: rootCopy },
    { uuid: FIRST, sizeGiB: 4, copy },
  ]);
  expect(() => planDisks(requestOf([rootCopy]), 7)).toThrow(`names no copy of its disk ${FIRST}`);
});
