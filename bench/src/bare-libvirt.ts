/**
 * What libvirt alone needs: makes `count` overlay disks first, then defines and starts `count` guests with `threads` calls in
 * flight. A process of its own, so that it shares nothing with the agent. Prints one JSON line.
 *
 *   node bare-libvirt.js URI COUNT THREADS FOLDER IMAGE NETWORK
 */
import { randomUUID } from 'node:crypto';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { configureThreads } from '@etcd-compute/libvirt/threads';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import { renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';

const [uri = '', countText = '1', threadsText = '1', folder = '', image = '', network = ''] = process.argv.slice(2);
const [count, threads] = [Number(countText), Number(threadsText)];

const inParallel = async <T>(items: readonly T[], task: (item: T, index: number) => Promise<void>): Promise<void> => {
  const queue = [...items.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await task(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: threads }, work));
};

const start = async (connection: Connection, uuid: string, index: number): Promise<void> => {
  const xml = renderDomain({
    type: 'qemu',
    uuid,
    name: uuid,
    arch: 'x86_64',
    vcpus: 1,
    memoryMiB: 128,
    disks: [
      {
        path: `${folder}/${uuid}.img`,
        format: 'qcow2',
        targetDev: 'vda',
        bus: 'virtio',
        device: 'disk',
        readOnly: false,
      },
    ],
    // The network's own table of addresses, from its far end, where no agent has come yet.
    interfaces: [{ network, mac: `52:54:00:2d:0e:${(index + 1).toString(16).padStart(2, '0')}`, model: 'virtio' }],
    serial: {},
    hasRng: true,
  });
  await using domain = await connection.domainDefineXML(xml);
  await domain.create();
};

configureThreads({ maxThreads: threads });
{
  // A call at a time on each.
  const connections = await Promise.all(Array.from({ length: threads }, async () => connect(uri)));
  const leastBusy = (): Connection =>
    connections.toSorted((a, b) => a.callsInFlight - b.callsInFlight)[0] ?? connection;
  await using connection = await connect(uri);
  const uuids = Array.from({ length: count }, () => randomUUID());
  await using pool = await connection.storagePoolCreateXML(
    renderDirectoryPool({ name: `bare-${process.pid}`, path: folder }),
  );
  await inParallel(uuids, async (uuid) => {
    const xml = renderStorageVolume({
      name: `${uuid}.img`,
      capacityBytes: 1n << 30n,
      format: 'qcow2',
      backing: { path: image, format: 'raw' },
    });
    await using _volume = await pool.createVolume(xml);
  });
  const startedAt = performance.now();
  await inParallel(uuids, async (uuid, index) => start(leastBusy(), uuid, index));
  const seconds = (performance.now() - startedAt) / 1000;
  await inParallel(uuids, async (uuid) => {
    await using domain = await leastBusy().domainLookupByUUID(uuid);
    await domain.destroy();
    await domain.undefineFlags(0);
  });
  await pool.destroy();
  for (const each of connections) await each.close();
  process.stdout.write(`${JSON.stringify({ seconds })}\n`);
}
