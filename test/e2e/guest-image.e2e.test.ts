/** The tiny guest, as a user's guest would be run: from its disk, on a network with DHCP, on both machine types. */
import { randomUUID } from 'node:crypto';
import { copyFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { DomainCreateFlags } from '@etcd-compute/libvirt/constants';
import type { Domain } from '@etcd-compute/libvirt/domain';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import type { DomainNetworkInterface } from '@etcd-compute/libvirt/xml/domain';
import { renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd } from '@etcd-compute/testing/libvirt-daemon';
import type { LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import type { TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const CACHE = join(import.meta.dirname, '../../.cache');
const MACHINES = [
  { machine: 'pc', vcpus: 1, memoryMiB: 128, address: '10.83.0.11', mac: '52:54:00:83:00:11' },
  { machine: 'q35', vcpus: 2, memoryMiB: 128, address: '10.83.0.12', mac: '52:54:00:83:00:12' },
] as const;
const SECOND_NETWORK_MAC = '52:54:00:83:01:11';

let temp: TempDir;
let daemon: LibvirtDaemon;
let connection: Connection;

beforeAll(async () => {
  temp = await makeTempDir('gst');
  daemon = await startLibvirtd({ dir: temp.path });
  connection = await connect(daemon.uri);
  const hosts = MACHINES.map(({ machine, address, mac }) => ({ mac, name: `guest-${machine}`, ip: address }));
  await createNetwork('first', '10.83.0', hosts);
  await createNetwork('second', '10.83.1', [{ mac: SECOND_NETWORK_MAC, ip: '10.83.1.11' }]);
});

afterAll(async () => {
  await connection.close();
  await daemon.stop();
  await temp[Symbol.asyncDispose]();
});

async function createNetwork(name: string, subnet: string, hosts: { mac: string; name?: string; ip: string }[]) {
  await connection.networkCreateXML(
    renderNetwork({
      name,
      bridge: { name: `ec${name}`, stp: false, delay: 0 },
      ip: {
        address: `${subnet}.1`,
        prefix: 24,
        dhcp: { ranges: [{ start: `${subnet}.2`, end: `${subnet}.254` }], hosts },
      },
      dnsmasqOptions: ['no-ping'],
    }),
  );
}

interface Guest {
  readonly domain: Domain;
  /** What it has said on its serial console. */
  readonly text: () => string;
  readonly type: (line: string) => void;
}

async function startGuest(
  spec: { machine: string; vcpus: number; memoryMiB: number },
  interfaces: readonly DomainNetworkInterface[],
): Promise<Guest> {
  const uuid = randomUUID();
  const path = join(temp.path, `${uuid}.img`);
  await copyFile((await buildGuestImage(CACHE)).path, path);
  // A grown disk: what is behind the last partition stays unused.
  await truncate(path, 1024 ** 3);
  // Defined, so that it can still be asked for when it is off; all of it goes with the daemon.
  const domain = await connection.domainDefineXML(
    renderDomain({
      ...spec,
      uuid,
      name: uuid,
      type: 'qemu',
      arch: 'x86_64',
      bootDevice: 'hd',
      disks: [{ path, format: 'raw', device: 'disk', bus: 'virtio', targetDev: 'vda', readOnly: false }],
      interfaces,
      serial: {},
    }),
  );
  // QEMU drops console output while nobody reads.
  await domain.create(DomainCreateFlags.PAUSED);
  const terminal = await domain.openConsole(null);
  let text = '';
  terminal.on('data', (data: Buffer) => (text += data.toString('latin1')));
  terminal.on('error', () => undefined);
  await domain.resume();
  return { domain, text: () => text, type: (line) => void terminal.write(`${line}\n`) };
}

async function waitForText(guest: Guest, expected: string | RegExp): Promise<void> {
  await waitFor(() => guest.text().search(expected) >= 0, {
    what: `the guest to say ${expected}`,
    timeoutMs: 120_000,
    onTimeout: guest.text,
  });
}

async function waitForEnd(guest: Guest, ask: () => Promise<void> = async () => undefined): Promise<void> {
  await waitFor(
    async () => {
      if (!(await guest.domain.isActive())) return true;
      await ask();
      return false;
    },
    { what: 'the guest to be off', intervalMs: 500, onTimeout: guest.text },
  );
}

const virtio = (network: string, mac: string): DomainNetworkInterface => ({
  network,
  mac,
  model: 'virtio',
});

describe('tiny guest', () => {
  test.each(MACHINES)('boots on $machine with $memoryMiB MiB and $vcpus vcpus, and shuts down', async (machine) => {
    const { mac, address, ...spec } = machine;
    const guest = await startGuest(spec, [virtio('first', mac)]);
    await waitForText(guest, `guest: hostname=guest-${machine.machine} address=eth0 ${address}/24`);
    await waitFor(
      async () => (await daemon.netnsExec(['ping', '-c', '1', '-W', '1', address])).stdout.includes('1 received'),
      {
        what: `${address} to answer`,
      },
    );
    // Like any guest, it cannot hear the power button before its driver is loaded, so ask again.
    await waitForEnd(guest, () => guest.domain.shutdown());
    expect(guest.text()).not.toMatch(/panic|Call Trace/);
  });

  test('asks for an address on every interface, has all of its disk, and obeys poweroff', async () => {
    const [{ mac, address, ...spec }] = MACHINES;
    const guest = await startGuest(spec, [virtio('first', mac), virtio('second', SECOND_NETWORK_MAC)]);
    await waitForText(guest, `address=eth0 ${address}/24`);
    await waitForText(guest, /address=eth1 10\.83\.1\.11\/24/);
    await waitFor(
      () => {
        guest.type('cat /sys/block/vda/size');
        return guest.text().includes('\n2097152');
      },
      { what: 'the size of the disk in sectors', intervalMs: 500, onTimeout: guest.text },
    );
    const rebooted = guest.text().length;
    guest.type('reboot');
    await waitFor(() => guest.text().slice(rebooted).includes(`address=eth0 ${address}`), {
      what: 'the address after a reboot',
      timeoutMs: 120_000,
      onTimeout: guest.text,
    });
    guest.type('poweroff');
    await waitForEnd(guest);
    expect(guest.text().slice(rebooted)).toContain('address=eth1 10.83.1.11/24');
  });
});
