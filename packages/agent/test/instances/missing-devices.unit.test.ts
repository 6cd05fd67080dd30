import { listMissingDevices } from '@etcd-compute/agent/instances/missing-devices';
import { diskUuidSchema } from '@etcd-compute/common/ids';
import type { DomainDisk, DomainNetworkInterface } from '@etcd-compute/libvirt/xml/domain';
import { expect, test } from 'vitest';
import { aRecord, INSTANCE } from './builders.js';

const DISK = diskUuidSchema.parse('0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30');
const record = aRecord({
  disks: [{ uuid: DISK, size_gib: 1 }],
  nics: [
    { slot: 0, network: 'ecompute', mac: '52:54:00:2d:00:02' },
    { slot: 1, network: 'bridge:br0', mac: null },
  ],
});

const aDisk = (path: string): DomainDisk => ({
  path,
  format: 'qcow2',
  device: 'disk',
  bus: 'virtio',
  targetDev: 'vda',
  readOnly: false,
});
const [root, further] = [aDisk(`/state/disks/${INSTANCE}.img`), aDisk(`/moved/disks/${INSTANCE}.${DISK}.img`)];
const card: DomainNetworkInterface = { network: 'ecompute', mac: '52:54:00:00:00:01', model: 'virtio' };
const bridged: DomainNetworkInterface = { bridge: 'br0', mac: '52:54:00:00:00:02', model: 'virtio' };
const whole = { disks: [root, aDisk('/state/config-drives/a.iso'), further], interfaces: [card, bridged] };

test.each([
  ['nothing', [whole], []],
  ['nothing, in the definition and in the guest', [whole, whole], []],
  ['a disk in the definition', [{ ...whole, disks: [root] }, whole], [`disk ${DISK}`]],
  ['a disk in the guest', [whole, { ...whole, disks: [root] }], [`disk ${DISK}`]],
  ['a bridge', [{ ...whole, interfaces: [card] }], ["the interface on the network 'bridge:br0'"]],
  [
    'everything',
    [{ disks: [], interfaces: [] }],
    [
      'its root disk',
      `disk ${DISK}`,
      "the interface on the network 'ecompute'",
      "the interface on the network 'bridge:br0'",
    ],
  ],
])('a domain lacks %s', (_what, views, missing) => {
  expect(listMissingDevices(record, views)).toEqual(missing);
});
