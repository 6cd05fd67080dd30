/** Guests on several networks of a host: each interface gets its address there, and passes the packet filter of its network. */
import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@etcd-compute/libvirt/connection';
import { parseDomain } from '@etcd-compute/libvirt/xml/domain';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  askToDestroy,
  boot,
  startWorld,
  waitForRecord,
  waitForState,
  type World,
} from '../integration/fixtures/agent-world.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const GUEST = { VCPU: 1, DISK_GB: 1, MEMORY_MB: 128 };

let world: World;
let libvirtd: LibvirtDaemon;
let agent: Ecompute;

beforeAll(async () => {
  world = await startWorld();
  await chmod(world.dir.path, 0o755);
  const [dir, agentDir] = [join(world.dir.path, 'v'), join(world.dir.path, 'agent')];
  await Promise.all([mkdir(dir), mkdir(agentDir)]);
  world.images.setFile('guest', (await buildGuestImage(CACHE)).path);
  libvirtd = await startLibvirtd({ dir });
  await libvirtd.netnsExec(['ip', 'link', 'add', 'br7', 'up', 'type', 'bridge']);
  agent = await world.startAgent({
    dir: agentDir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      network: { cidr: '10.45.0.0/24' },
      networks: [{ name: 'storage', cidr: '10.46.0.0/24' }],
      bridges: ['br7'],
      period: 2,
    },
  });
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

test('two managed networks and a bridge: a lease on each network, and elements in the filter of each', async () => {
  const nics = ['storage', 'bridge:br7', 'ecompute'].map((network, slot) => ({ slot, network }));
  const instance = await boot(world, agent.uuid, { image: world.images.url('guest'), resources: GUEST, nics });
  // The guest asks for an address on its first interface by itself.
  const first = await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
  expect(first.addresses[0]).toMatchObject({ address: '10.46.0.2', mac: '52:54:00:2e:00:02', source: 'lease' });

  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  const { interfaces } = parseDomain(await domain.getXMLDesc());
  expect(interfaces.map(({ network, bridge }) => network ?? bridge)).toEqual(['storage', 'br7', 'ecompute']);
  const [storagePort = '', bridgePort = '', ecomputePort = ''] = interfaces.map(({ targetDev }) => targetDev);
  const tableOf = async (network: string): Promise<string> =>
    (await libvirtd.netnsExec(['nft', 'list', 'table', 'bridge', `ecompute-${network}`])).stdout;
  expect(await tableOf('storage')).toContain(`"${storagePort}" . 52:54:00:2e:00:02 . 10.46.0.2`);
  expect(await tableOf('storage')).not.toContain(ecomputePort);
  expect(await tableOf('ecompute')).toContain(`"${ecomputePort}" . 52:54:00:2d:00:02 . 10.45.0.2`);
  expect(await tableOf('ecompute')).toContain(bridgePort);

  const terminal = await domain.openConsole(null);
  terminal.on('error', () => undefined); // the guest goes away under it
  let text = '';
  terminal.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await waitFor(
    () => {
      if (!text.includes('ready-5')) terminal.write('\recho ready-$((2+3))\r');
      return text.includes('ready-5');
    },
    { what: 'a shell in the guest', intervalMs: 500 },
  );
  terminal.write('ip link set eth2 up; udhcpc -i eth2 -q -n -t 20\r');
  const both = await waitForRecord(world, instance, ({ addresses }) => addresses.length > 1);
  expect(both.addresses).toMatchObject([
    { address: '10.46.0.2', source: 'lease' },
    { address: '10.45.0.2', mac: '52:54:00:2d:00:02', source: 'lease' },
  ]);
  terminal.destroy();

  await askToDestroy(world, agent.uuid, instance);
  await waitForState(world, instance, 'deleted');
  expect(await tableOf('storage')).not.toContain(storagePort);
  expect(await tableOf('ecompute')).not.toContain(bridgePort);
});
