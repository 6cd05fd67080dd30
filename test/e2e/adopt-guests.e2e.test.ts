/** Guests of an earlier version: their ports get names of ours, and they lose libvirt's filter, which nobody needs any more. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderMark } from '@etcd-compute/agent/domains/domain';
import { adoptGuests } from '@etcd-compute/agent/networks/adopt-guests';
import { portNameOf } from '@etcd-compute/agent/networks/port-names';
import { newInstanceUuid, newProviderUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { connect, type Connection } from '@etcd-compute/libvirt/connection';
import { DomainCreateFlags, DomainXMLFlags } from '@etcd-compute/libvirt/constants';
import { parseDomain, renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';

const FILTER = 'ecompute-own-address';
const BRIDGE = 'br0';

let dir: TempDir;
let libvirtd: LibvirtDaemon;
let connection: Connection;

beforeAll(async () => {
  dir = await makeTempDir('adopt');
  libvirtd = await startLibvirtd({ dir: dir.path });
  connection = await connect(libvirtd.uri);
  await libvirtd.netnsExec(['ip', 'link', 'add', BRIDGE, 'up', 'type', 'bridge']);
  const ip = { address: '10.45.0.1', prefix: 24 };
  await using network = await connection.networkDefineXML(
    renderNetwork({ name: 'ecompute', bridge: { stp: false, delay: 0 }, forward: 'nat', ip }),
  );
  await network.create();
  const file = join(dir.path, 'filter.xml');
  const rule = "<rule action='drop' direction='out' priority='1000'/>";
  await writeFile(file, `<filter name='${FILTER}' chain='root'>${rule}</filter>`);
  await virsh('nwfilter-define', file);
});
afterAll(async () => {
  await connection.close();
  await libvirtd.stop();
  await dir[Symbol.asyncDispose]();
});

const virsh = async (...args: string[]): Promise<string> =>
  (await runCommand(['virsh', '-c', libvirtd.uri, ...args])).stdout;

/** As an earlier version has made them; without a system, and with its processors held. */
const define = async ({ isOurs = true, isRunning = true } = {}): Promise<InstanceUuid> => {
  const instance = newInstanceUuid();
  await using domain = await connection.domainDefineXML(
    renderDomain({
      type: 'qemu',
      uuid: instance,
      name: instance,
      vcpus: 1,
      memoryMiB: 32,
      disks: [],
      interfaces: [
        { network: 'ecompute', mac: '52:54:00:2d:00:02', model: 'virtio', filter: FILTER },
        { bridge: BRIDGE, mac: '52:99:00:2d:00:02', model: 'virtio' },
      ],
      metadata: isOurs ? [renderMark({ host: newProviderUuid(), stateDir: '/state' })] : [],
    }),
  );
  if (isRunning) await domain.create(DomainCreateFlags.PAUSED);
  return instance;
};

/** The port and the filter of each interface. */
const interfacesOf = async (
  instance: InstanceUuid,
  flags = 0,
): Promise<(readonly [string | undefined, string | undefined])[]> => {
  await using domain = await connection.domainLookupByUUID(instance);
  return parseDomain(await domain.getXMLDesc(flags)).interfaces.map(({ targetDev, filter }) => [targetDev, filter]);
};
const listFilters = async (): Promise<string> => virsh('nwfilter-list');

test('a guest that runs loses the filter, and has ports of our names from its next start on', async () => {
  const [running, stopped, foreign] = [
    await define(),
    await define({ isRunning: false }),
    await define({ isOurs: false }),
  ];
  const before = await interfacesOf(running);
  expect(before).toEqual([
    [expect.stringMatching(/^vnet/), FILTER],
    [expect.stringMatching(/^vnet/), undefined],
  ]);
  await adoptGuests(connection, silentLogger());
  expect(await interfacesOf(running)).toEqual(before.map(([port]) => [port, undefined]));
  for (const instance of [running, stopped])
    expect(await interfacesOf(instance, DomainXMLFlags.INACTIVE)).toEqual([
      [portNameOf(instance, 0), undefined],
      [portNameOf(instance, 1), undefined],
    ]);
  // Somebody else's is left as it is, and with it the filter.
  expect((await interfacesOf(foreign))[0]).toEqual([expect.stringMatching(/^vnet/), FILTER]);
  expect(await listFilters()).toContain(FILTER);
  await virsh('destroy', foreign);
  await adoptGuests(connection, silentLogger());
  expect(await listFilters()).not.toContain(FILTER);

  await using domain = await connection.domainLookupByUUID(running);
  await domain.destroy();
  await domain.create(DomainCreateFlags.PAUSED);
  expect(await interfacesOf(running)).toEqual([
    [portNameOf(running, 0), undefined],
    [portNameOf(running, 1), undefined],
  ]);
  await domain.destroy();
});
