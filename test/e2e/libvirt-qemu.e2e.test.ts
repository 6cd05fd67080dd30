/** What libvirt's test driver lacks, on qemu, with a libvirtd of the test's own. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import type { CloseReason, Connection } from '@etcd-compute/libvirt/connection';
import {
  DomainCreateFlags,
  DomainGetJobStatsFlags,
  DomainMetadataType,
  DomainModificationImpact,
} from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { superviseConnection } from '@etcd-compute/libvirt/reconnect';
import type { StoragePool } from '@etcd-compute/libvirt/storage-pool';
import { parseDomain, renderDevice, renderDomain } from '@etcd-compute/libvirt/xml/domain';
import type { DomainSpec } from '@etcd-compute/libvirt/xml/domain';
import { renderDomainBackup } from '@etcd-compute/libvirt/xml/domain-backup';
import { parseMetadataValues } from '@etcd-compute/libvirt/xml/metadata';
import { renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { renderDirectoryPool } from '@etcd-compute/libvirt/xml/storage-pool';
import { parseStorageVolume, renderStorageVolume } from '@etcd-compute/libvirt/xml/storage-volume';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import type { LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import type { TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { echoGuestDisk } from './echo-guest.js';

const MIB = 1024n ** 2n;

let temp: TempDir;
let dir: string;
let daemon: LibvirtDaemon;
let connection: Connection;
let pool: StoragePool;

beforeAll(async () => {
  temp = await makeTempDir('lvq');
  dir = temp.path;
  daemon = await startLibvirtd({ dir });
  connection = await connect(daemon.uri);
  const path = join(dir, 'pool');
  await mkdir(path, { mode: 0o711 });
  pool = await connection.storagePoolCreateXML(renderDirectoryPool({ name: 'disks', path }));
});

afterAll(async () => {
  await connection.close();
  await daemon.stop();
  await temp[Symbol.asyncDispose]();
});

/** A guest that boots the echo disk; transient, so that `destroy` leaves nothing. */
async function startEchoGuest(changes: Partial<DomainSpec> = {}, flags = 0): Promise<Domain> {
  const uuid = randomUUID();
  const path = join(dir, 'pool', `${uuid}.img`);
  await writeFile(path, echoGuestDisk());
  return await connection.domainCreateXML(
    renderDomain({
      uuid,
      name: uuid,
      type: 'qemu',
      arch: 'x86_64',
      machine: 'pc',
      vcpus: 1,
      memoryMiB: 32,
      bootDevice: 'hd',
      disks: [{ path, format: 'raw', device: 'disk', bus: 'virtio', targetDev: 'vda', readOnly: false }],
      interfaces: [],
      serial: {},
      hasMemoryBalloon: false,
      ...changes,
    }),
    flags,
  );
}

describe('console', () => {
  it('reads and writes, and ends when the guest does', async () => {
    // QEMU drops console output while nobody reads.
    await using domain = await startEchoGuest({}, DomainCreateFlags.PAUSED);
    const console_ = await domain.openConsole(null);
    let text = '';
    console_.on('data', (data: Buffer) => (text += data.toString('latin1')));
    await domain.resume();
    await waitFor(() => text.includes('READY\r\n'), { what: 'the guest to speak', onTimeout: () => text });
    text = '';
    const line = 'x'.repeat(300);
    console_.write(`${line}!`);
    await waitFor(() => text.endsWith('!'), { what: 'the echo', onTimeout: () => text });
    expect(text).toBe(`${line}!`);
    const closed = once(console_, 'close');
    await domain.destroy();
    await closed;
    expect(console_.destroyed).toBe(true);
  });

  it('is taken from another reader only by force, and given back by destroy()', async () => {
    await using domain = await startEchoGuest();
    const first = await domain.openConsole(null);
    await expect(domain.openConsole(null)).rejects.toBeInstanceOf(LibvirtError);
    first.destroy();
    await once(first, 'close');
    const second = await domain.openConsole(null);
    let text = '';
    second.on('data', (data: Buffer) => (text += data.toString('latin1')));
    await waitFor(
      () => {
        second.write('?');
        return text.includes('?');
      },
      { what: 'the echo on the second stream', intervalMs: 100 },
    );
    second.destroy();
    await once(second, 'close');
    await domain.destroy();
  });

  it('ends with its connection', async () => {
    await using domain = await startEchoGuest();
    const other = await connect(daemon.uri);
    await using same = await other.domainLookupByUUID(domain.uuid);
    const console_ = await same.openConsole(null);
    console_.resume();
    const closed = once(console_, 'close');
    await other.close();
    await closed;
    expect(await domain.isActive()).toBe(true);
    await domain.destroy();
  });
});

describe('devices', () => {
  const { CONFIG, LIVE } = DomainModificationImpact;
  const card = { network: 'plugs', mac: '52:54:00:7a:7b:7c', model: 'virtio' };
  const makeDisk = async () => {
    const name = `${randomUUID()}.img`;
    await using volume = await pool.createVolume(renderStorageVolume({ name, capacityBytes: MIB, format: 'qcow2' }));
    const serial = '0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30';
    const common = { format: 'qcow2', device: 'disk', bus: 'virtio', readOnly: false } as const;
    return { ...common, path: volume.path, targetDev: 'vdk', serial };
  };
  const devicesOf = async (domain: Domain) => {
    const { disks, interfaces } = parseDomain(await domain.getXMLDesc());
    return {
      disk: disks.find(({ targetDev }) => targetDev === 'vdk'),
      hasCard: interfaces.some(({ mac }) => mac === card.mac),
    };
  };

  it('are added to a definition and taken from it', async () => {
    const uuid = randomUUID();
    await using domain = await connection.domainDefineXML(
      renderDomain({ uuid, name: uuid, type: 'qemu', vcpus: 1, memoryMiB: 32, disks: [], interfaces: [] }),
    );
    const disk = await makeDisk();
    const devices = [renderDevice({ disk }), renderDevice({ interface: card })];
    for (const xml of devices) await domain.attachDeviceFlags(xml, CONFIG);
    expect(await devicesOf(domain)).toMatchObject({ disk, hasCard: true });
    await expect(domain.attachDeviceFlags(renderDevice({ disk }), CONFIG)).rejects.toThrow(/vdk/);
    for (const xml of devices) await domain.detachDeviceFlags(xml, CONFIG);
    expect(await devicesOf(domain)).toEqual({ disk: undefined, hasCard: false });
    for (const xml of devices)
      await expect(domain.detachDeviceFlags(xml, CONFIG)).rejects.toMatchObject({ code: 'VIR_ERR_DEVICE_MISSING' });
    await domain.undefineFlags(0);
  });

  it('are added to a guest that runs, and stay there as long as it does not let them go', async () => {
    await using domain = await startEchoGuest();
    const disk = await makeDisk();
    await domain.attachDeviceFlags(renderDevice({ disk }), LIVE);
    expect(await devicesOf(domain)).toMatchObject({ disk: { ...disk, backing: null } });
    // No system runs there that could hear of it.
    await domain.detachDeviceFlags(renderDevice({ disk }), LIVE);
    expect(await devicesOf(domain)).toMatchObject({ disk: { path: disk.path } });
    await domain.destroy();
  });
});

describe('storage volume', () => {
  it('is an overlay on a backing volume, and grows', async () => {
    await using base = await pool.createVolume(
      renderStorageVolume({ name: 'base.raw', capacityBytes: 4n * MIB, allocationBytes: 0n, format: 'raw' }),
    );
    await using overlay = await pool.createVolume(
      renderStorageVolume({
        name: 'overlay.qcow2',
        capacityBytes: 8n * MIB,
        format: 'qcow2',
        backing: { path: base.path, format: 'raw' },
      }),
    );
    expect(parseStorageVolume(await overlay.getXMLDesc())).toMatchObject({
      capacityBytes: 8n * MIB,
      format: 'qcow2',
      backing: { path: base.path, format: 'raw' },
    });
    await overlay.resize(16n * MIB);
    expect((await overlay.getInfo()).capacityBytes).toBe(16n * MIB);
    await overlay.delete();
    await base.delete();
    await expect(pool.lookupVolume('overlay.qcow2')).rejects.toMatchObject({ code: 'VIR_ERR_NO_STORAGE_VOL' });
  });

  it('is uploaded from any source of bytes, and downloaded again', async () => {
    const content = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) % 251));
    const source = join(dir, 'source');
    await writeFile(source, content);
    await using volume = await pool.createVolume(
      renderStorageVolume({ name: 'uploaded', capacityBytes: 3_000_000n, format: 'raw' }),
    );
    await volume.upload(createReadStream(source, { highWaterMark: 1_000_000 }));
    expect((await readFile(volume.path)).equals(content)).toBe(true);

    const chunks: Uint8Array[] = [];
    for await (const chunk of volume.download({ offset: 1000n, length: 2_000_000n })) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(content.subarray(1000, 2_001_000))).toBe(true);
    for await (const chunk of volume.download()) {
      expect(chunk.byteLength).toBeGreaterThan(0);
      break; // leaving early must not leave the volume busy
    }
    await volume.upload([Buffer.from('abc')], { offset: 5n, length: 3n });
    expect((await readFile(volume.path)).subarray(4, 9)).toEqual(
      Buffer.from([content[4] ?? 0, 97, 98, 99, content[8] ?? 0]),
    );
    await volume.delete();
  });

  it('reports an upload that fails or is aborted, and stays usable', async () => {
    await using volume = await pool.createVolume(
      renderStorageVolume({ name: 'partial', capacityBytes: 10n * MIB, format: 'raw' }),
    );
    const failing = async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(100_000);
      throw new Error('the source broke');
    };
    await expect(volume.upload(failing())).rejects.toThrow('the source broke');
    const abort = new AbortController();
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield Buffer.alloc(100_000);
        abort.abort(new Error('enough'));
      }
    };
    await expect(volume.upload(endless(), { signal: abort.signal })).rejects.toThrow('enough');
    expect((await volume.getInfo()).capacityBytes).toBe(10n * MIB);
    await waitFor(() => volume.delete().then(() => true), { what: 'the aborted upload to let the volume go' });
  });

  it('is found by a refresh when somebody else made it', async () => {
    // A separate pool: libvirt refreshes a pool in the background after an upload.
    const folder = join(dir, 'refreshed');
    await mkdir(folder);
    await using own = await connection.storagePoolCreateXML(renderDirectoryPool({ name: 'refreshed', path: folder }));
    const path = join(folder, 'foreign.raw');
    await writeFile(path, 'x');
    await expect(connection.storageVolLookupByPath(path)).rejects.toMatchObject({ code: 'VIR_ERR_NO_STORAGE_VOL' });
    await own.refresh();
    await using volume = await connection.storageVolLookupByPath(path);
    await volume.delete();
    await own.destroy();
  });
});

describe('network', () => {
  it('tells its DHCP leases', async () => {
    const mac = '52:54:00:aa:bb:01';
    await using network = await connection.networkCreateXML(
      renderNetwork({
        name: 'leases',
        bridge: { name: 'virlease', stp: false, delay: 0 },
        ip: {
          address: '10.99.0.1',
          prefix: 24,
          dhcp: {
            ranges: [{ start: '10.99.0.2', end: '10.99.0.254' }],
            leaseSeconds: 600,
            hosts: [{ mac, ip: '10.99.0.42' }],
          },
        },
        dnsmasqOptions: ['no-ping'],
      }),
    );
    expect(await network.getDHCPLeases(null)).toEqual([]);
    const script = `ip link add guest address ${mac} type veth peer name port && ip link set port master virlease up &&
      ip link set guest up && busybox udhcpc -i guest -f -q -n -t 10 -x hostname:veth-guest -s /bin/true`;
    await daemon.netnsExec(['sh', '-c', script]);
    // dnsmasq writes a lease down a moment after it gave it.
    const leases = await waitFor(
      async () => {
        const found = await network.getDHCPLeases(mac);
        return found.length > 0 && found;
      },
      { what: 'the lease' },
    );
    expect(leases).toEqual([
      {
        mac,
        address: '10.99.0.42',
        prefix: 24,
        family: 'ipv4',
        hostname: 'veth-guest',
        iaid: null,
        expiryTime: expect.any(Number),
        interface: 'virlease',
        clientId: expect.anything(),
      },
    ]);
    const seconds = Date.now() / 1000;
    expect(leases[0]?.expiryTime).toBeGreaterThan(seconds);
    expect(leases[0]?.expiryTime).toBeLessThanOrEqual(seconds + 601);
    expect(await network.getDHCPLeases('52:54:00:00:00:00')).toEqual([]);
    await network.destroy();
  });
});

describe('domain', () => {
  it('keeps metadata while it runs', async () => {
    const uri = 'https://example.org/instance/1';
    await using domain = await startEchoGuest({
      metadata: [{ uri, prefix: 'ex', name: 'instance', values: { owner: 'a' } }],
    });
    const read = async (): Promise<unknown> =>
      parseMetadataValues(await domain.getMetadata(DomainMetadataType.ELEMENT, uri), 'instance');
    expect(await read()).toEqual({ owner: 'a' });
    const next = '<instance><owner>b</owner></instance>';
    await domain.setMetadata(DomainMetadataType.ELEMENT, next, 'ex', uri, DomainModificationImpact.LIVE);
    expect(await read()).toEqual({ owner: 'b' });
    expect(parseDomain(await domain.getXMLDesc()).metadata).toMatchObject([{ uri, values: { owner: 'b' } }]);
    await domain.destroy();
  });

  it('copies one of its disks while it runs, and tells when that is done', async () => {
    const path = (name: string): string => join(dir, 'pool', name);
    const disk = (name: string, targetDev: string) =>
      ({ path: path(name), format: 'raw', device: 'disk', bus: 'virtio', targetDev, readOnly: false }) as const;
    for (const name of ['boot', 'other']) await writeFile(path(name), echoGuestDisk());
    await using domain = await startEchoGuest({ disks: [disk('boot', 'vda'), disk('other', 'vdb')] });
    await domain.backupBegin(renderDomainBackup({ disk: 'vda', path: path('copy'), format: 'raw' }), null);
    const ended = await waitFor(
      async () => {
        const stats = await domain.getJobStats(DomainGetJobStatsFlags.COMPLETED);
        return stats.type === 'none' ? undefined : stats;
      },
      { what: 'the end of the backup' },
    );
    expect(ended).toMatchObject({ type: 'completed', params: { success: true, disk_remaining: 0n } });
    expect(typeof ended.params['operation']).toBe('number');
    expect((await readFile(path('copy'))).equals(echoGuestDisk())).toBe(true);
    expect(await domain.getJobStats()).toEqual({ type: 'none', params: {} });
    await expect(domain.backupGetXMLDesc()).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN_BACKUP' });
    await expect(domain.abortJob()).rejects.toMatchObject({ code: 'VIR_ERR_OPERATION_INVALID' });
    await domain.destroy();
  });

  it('tells what the host can do for guests', async () => {
    expect(await connection.getDomainCapabilities(null, 'x86_64', 'pc', 'qemu')).toContain('<domainCapabilities>');
    expect(await connection.getType()).toBe('QEMU');
  });

  it('reports a reboot', async () => {
    await using domain = await startEchoGuest();
    const rebooted: string[] = [];
    await using _subscription = await connection.onDomainReboot(({ uuid }) => rebooted.push(uuid));
    await domain.reset();
    await waitFor(() => rebooted.length > 0, { what: 'the reboot event' });
    expect(new Set(rebooted)).toEqual(new Set([domain.uuid])); // a BIOS that is reset early may reset once more itself
    await domain.destroy();
  });
});

describe('a connection to a daemon', () => {
  it('hears that the daemon died, fails its calls, and comes back with the guests untouched', async () => {
    const domain = await startEchoGuest();
    const downs: Error[] = [];
    const lists: string[][] = [];
    const events: string[] = [];
    await using supervised = superviseConnection({
      uri: daemon.uri,
      minBackoffMs: 20,
      onUp: async (up) => {
        await up.onDomainLifecycle(({ uuid, event }) => void events.push(`${uuid} ${event}`));
        lists.push((await up.listAllDomains()).map(({ uuid }) => uuid));
      },
      onDown: (reason) => downs.push(reason),
      signal: new AbortController().signal,
    });
    const first = await supervised.waitUp(AbortSignal.timeout(120_000));
    const reasons: CloseReason[] = [];
    connection.onClose((reason) => reasons.push(reason));

    await daemon.kill('SIGKILL');
    await waitFor(() => downs.length > 0 && reasons.length > 0, { what: 'both connections to hear of it' });
    expect(reasons).toEqual(['eof']);
    expect(connection.isClosed).toBe(true);
    await expect(domain.getState()).rejects.toBeInstanceOf(LibvirtError);
    expect(() => supervised.get()).toThrow('there is no connection');

    await daemon.restart();
    const second = await supervised.waitUp(AbortSignal.timeout(120_000));
    expect(second).not.toBe(first);
    expect(lists.map((uuids) => uuids.includes(domain.uuid))).toEqual([true, true]);
    await using again = await second.domainLookupByUUID(domain.uuid);
    // These wait until the daemon has the guest's monitor again, and prove that it is the same guest.
    await again.suspend();
    await again.resume();
    await again.destroy();
    await waitFor(() => events.includes(`${domain.uuid} stopped`), { what: 'the event on the new connection' });

    await connection.close(); // the lost one: closing it works, and is needed to free it
    connection = await connect(daemon.uri);
    pool = await connection.storagePoolLookupByName('disks').catch(() => pool);
  });

  it('finds out by keepalive that the daemon is frozen, and fails the calls that hang', async () => {
    const watched = await connect(daemon.uri, { keepAlive: { intervalSeconds: 1, count: 2 } });
    const reasons: CloseReason[] = [];
    watched.onClose((reason) => reasons.push(reason));
    await daemon.kill('SIGSTOP');
    try {
      const hanging = watched.getCapabilities();
      await expect(hanging).rejects.toBeInstanceOf(LibvirtError);
      await waitFor(() => reasons.length > 0, { what: 'the close callback' });
      expect(reasons).toEqual(['keepalive']);
      await watched.close();
    } finally {
      await daemon.kill('SIGCONT');
    }
  });
});
