/**
 * What libvirt alone needs: makes `count` overlay disks first, then defines and starts `count` guests with `threads` calls in
 * flight, and waits for their leases. A process of its own, so that it shares nothing with the agent. Prints one JSON line.
 *
 *   node bare-libvirt.js URI COUNT THREADS FOLDER IMAGE NETWORK plain|held
 *
 * `held`: guests are started paused, and each goes on when all are started, or ten seconds after its own start: as the agent does it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { configureThreads } from '@etcd-compute/libvirt/threads';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import { renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';

const [uri = '', countText = '1', threadsText = '1', folder = '', image = '', network = '', mode = 'plain'] =
  process.argv.slice(2);
const [count, threads] = [Number(countText), Number(threadsText)];
const isHeld = mode === 'held';
const VIR_DOMAIN_START_PAUSED = 1;
const MAX_HOLD_MS = 10_000;
const LEASES_TIMEOUT_MS = 600_000;

const inParallel = async <T>(items: readonly T[], task: (item: T, index: number) => Promise<void>): Promise<void> => {
  const queue = [...items.entries()];
  const work = async (): Promise<void> => {
    for (let next = queue.shift(); next; next = queue.shift()) await task(next[1], next[0]);
  };
  await Promise.all(Array.from({ length: threads }, work));
};

const macOf = (index: number): string => `52:54:00:2c:0e:${(index + 1).toString(16).padStart(2, '0')}`;

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
    // Of the network's own table of addresses.
    interfaces: [{ network, mac: macOf(index), model: 'virtio' }],
    serial: {},
    hasRng: true,
  });
  await using domain = await connection.domainDefineXML(xml);
  await domain.create(isHeld ? VIR_DOMAIN_START_PAUSED : 0);
};

const letGo = async (connection: Connection, uuid: string): Promise<void> => {
  await using domain = await connection.domainLookupByUUID(uuid);
  await domain.resume();
};

/** When the guests' leases end, in seconds since 1970, by MAC. The same MACs may have leases of an earlier run. */
const readLeaseEnds = async (connection: Connection): Promise<Map<string, number>> => {
  await using found = await connection.networkLookupByName(network);
  const leases = await found.getDHCPLeases(null);
  return new Map(leases.map(({ mac, expiryTime }) => [mac ?? '', expiryTime]));
};

/** Until every guest's lease ends later than it did before. */
const waitForLeases = async (connection: Connection, before: ReadonlyMap<string, number>): Promise<void> => {
  const giveUpAt = performance.now() + LEASES_TIMEOUT_MS;
  const macs = Array.from({ length: count }, (_, index) => macOf(index));
  for (;;) {
    const ends = await readLeaseEnds(connection);
    const fresh = macs.filter((mac) => (ends.get(mac) ?? 0) > (before.get(mac) ?? 0));
    if (fresh.length === count) return;
    if (performance.now() > giveUpAt) throw new Error(`${fresh.length} of ${count} guests have a lease after 600 s`);
    await sleep(100);
  }
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
  const before = await readLeaseEnds(connection);
  const startedAt = performance.now();
  const allStarted = new AbortController();
  const held: Promise<void>[] = [];
  await inParallel(uuids, async (uuid, index) => {
    await start(leastBusy(), uuid, index);
    if (!isHeld) return;
    const isOver = sleep(MAX_HOLD_MS, undefined, { signal: allStarted.signal }).catch(() => undefined);
    held.push(isOver.then(async () => letGo(leastBusy(), uuid)));
  });
  allStarted.abort();
  await Promise.all(held);
  const running = (performance.now() - startedAt) / 1000;
  await waitForLeases(connection, before);
  const addressed = (performance.now() - startedAt) / 1000;
  await inParallel(uuids, async (uuid) => {
    await using domain = await leastBusy().domainLookupByUUID(uuid);
    await domain.destroy();
    await domain.undefineFlags(0);
  });
  await pool.destroy();
  for (const each of connections) await each.close();
  process.stdout.write(`${JSON.stringify({ running, addressed })}\n`);
}
