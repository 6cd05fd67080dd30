import { bootRequestSchema, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { WantedNic } from '@etcd-compute/common/etcd/messages/nics';
import { newDiskUuid } from '@etcd-compute/common/ids';
import type { ActionKind } from '@etcd-compute/common/wishes/kind';
import { ACTIONS } from '@etcd-compute/common/wishes/kinds';
import { describe, expect, test } from 'vitest';

const HOST = 'c1a6523e-c50a-42c2-8952-f2d3a8479e99';
const INSTANCE = '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d';
const [FIRST, SECOND] = ['0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30', '0b9e7a43-5c0e-4b5f-8f0e-7c0a5d1e2f31'];

const aRequest = (changes: object = {}): BootRequest =>
  bootRequestSchema.parse({
    allocations: { [HOST]: { resources: { VCPU: 1, MEMORY_MB: 64, DISK_GB: 4 } } },
    instance: INSTANCE,
    image: 'http://images/tiny',
    ...changes,
  });
const withDisks = aRequest({ disks: [FIRST, SECOND].map((uuid) => ({ uuid, size_gib: 1 })) });
const nicsOn = (...networks: readonly string[]): WantedNic[] => networks.map((network, slot) => ({ slot, network }));

const diskGiBOf = (request: BootRequest | undefined): unknown => request?.allocations[HOST]?.resources['DISK_GB'];

const refusal = (message: string) => expect.objectContaining({ code: 'ECOMPUTE_WISH_REFUSED', message });

const judge = (
  kind: ActionKind,
  args: object,
  found: { request?: BootRequest; nics?: WantedNic[] | null; networks?: string[] },
) => kind.isNeeded?.({ request: aRequest(), isRunning: true, nics: null, ...found, args: kind.args.parse(args) });

describe('add-disk', () => {
  const kind: ActionKind = ACTIONS['add-disk'];
  const args = { disk: SECOND, size_gib: 3 };

  test('the request has the disk then, and its room', () => {
    const edited = kind.edit?.(aRequest(), args, { nics: [] });
    expect(edited?.disks).toEqual([{ uuid: SECOND, size_gib: 3 }]);
    expect(diskGiBOf(edited)).toBe(7);
  });

  test('one that is there already is not made again, and there is an end to their number', () => {
    expect(judge(kind, args, {})).toBe(true);
    expect(judge(kind, args, { request: withDisks })).toBe(false);
    const full = aRequest({ disks: Array.from({ length: 16 }, () => ({ uuid: newDiskUuid(), size_gib: 1 })) });
    expect(() => judge(kind, args, { request: full })).toThrow(
      refusal(`instance ${INSTANCE} has 16 disks beside its root disk, and cannot have more`),
    );
  });
});

describe('remove-disk', () => {
  const kind: ActionKind = ACTIONS['remove-disk'];

  test('the request loses the disk, and its room', () => {
    const edited = kind.edit?.(withDisks, { disk: FIRST }, { nics: [] });
    expect(edited?.disks).toEqual([{ uuid: SECOND, size_gib: 1 }]);
    expect(diskGiBOf(edited)).toBe(3);
  });

  test('the beginning of a uuid will do, also of a disk that is still being added', () => {
    const complete = (disk: string, request = withDisks): unknown =>
      kind.complete?.(kind.args.parse({ disk }), request);
    expect(complete('0B9D')).toEqual({ disk: FIRST });
    const disk = newDiskUuid();
    const asked = aRequest({ wishes: [{ count: 1, kind: 'add-disk', args: { disk, size_gib: 1 } }] });
    expect(complete(disk.slice(0, 30), asked)).toEqual({ disk });
  });

  test.each([
    ['0b9', `several disks of instance ${INSTANCE} begin with 0b9: ${FIRST}, ${SECOND}`],
    ['ff', `instance ${INSTANCE} has no disk ff`],
    ['6b2f', `${INSTANCE} is the root disk of the instance, which it cannot be without`],
  ])('%s is refused', (disk, message) => {
    expect(() => kind.complete?.({ disk }, withDisks)).toThrow(refusal(message));
  });

  test('its agent refuses one that has gone meanwhile', () => {
    expect(() => judge(kind, { disk: FIRST }, {})).toThrow(refusal(`instance ${INSTANCE} has no disk ${FIRST}`));
  });
});

describe('add-nic', () => {
  const kind: ActionKind = ACTIONS['add-nic'];

  test('the request says all interfaces then, the new one in the lowest free slot', () => {
    const nics = [
      { slot: 0, network: 'ecompute', mac: '52:54:00:00:00:01' },
      { slot: 2, network: 'bridge:br0' },
    ];
    expect(kind.edit?.(aRequest(), { network: 'storage' }, { nics })?.nics).toEqual([
      { slot: 0, network: 'ecompute' },
      { slot: 2, network: 'bridge:br0' },
      { slot: 1, network: 'storage' },
    ]);
  });

  test.each([
    [{ nics: nicsOn('storage') }, "is on the network 'storage' already"],
    [{ nics: nicsOn('ecompute'), networks: ['ecompute', 'backup'] }, "cannot be on the network 'storage'"],
    [{ nics: nicsOn('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h') }, 'has 8 interfaces, and cannot have more'],
  ])('%j: refused', (found, message) => {
    expect(() => judge(kind, { network: 'storage' }, found)).toThrow(refusal(`instance ${INSTANCE} ${message}`));
  });

  test('where nobody has said what there is, its agent judges', () => {
    expect(judge(kind, { network: 'storage' }, { nics: null })).toBe(true);
  });
});

describe('remove-nic', () => {
  const kind: ActionKind = ACTIONS['remove-nic'];

  test('the others keep their slots', () => {
    const edited = kind.edit?.(aRequest(), { network: 'ecompute' }, { nics: nicsOn('ecompute', 'storage') });
    expect(edited?.nics).toEqual([{ slot: 1, network: 'storage' }]);
  });

  test.each([
    [nicsOn('ecompute', 'backup'), `instance ${INSTANCE} is not on the network 'storage'`],
    [nicsOn('storage'), `'storage' is the only network of instance ${INSTANCE}`],
  ])('of %j: refused', (nics, message) => {
    expect(() => judge(kind, { network: 'storage' }, { nics })).toThrow(refusal(message));
  });
});
