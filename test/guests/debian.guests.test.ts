/**
 * A full Debian, booted by `eschedule boot` as a person does it, and logged in to. Everything that the guest knows of itself comes from
 * its config drive. Under emulation each boot takes minutes: `npm run test:guests` runs it, `npm test` does not.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from '@etcd-compute/libvirt/connection';
import { buildDebianImage } from '@etcd-compute/testing/debian-image';
import type { Ecompute } from '@etcd-compute/testing/ecompute';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { runCommand } from '@etcd-compute/testing/run-command';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, type World } from '../integration/fixtures/agent-world.js';
import { start } from '../integration/fixtures/eschedule-fixture.js';

const CACHE = join(import.meta.dirname, '../../.cache/debian-image');
/** Emulated, on a machine with other work. */
const BOOT_TIMEOUT_MS = 20 * 60_000;
const BRIDGE = 'br-guests';
const BRIDGE_ADDRESSES = { first: '10.99.0.10', last: '10.99.0.99' };

const USER_DATA = `#cloud-config
write_files:
  - path: /etc/motto
    content: from the user data
runcmd:
  - [sh, -c, 'date +%s >> /var/lib/first-boots']
`;

let world: World;
let libvirtd: LibvirtDaemon;
let image: string;

/** A network beside the agent's own, as a person has it: a bridge, and somebody who gives out addresses there. */
const startBridge = async (): Promise<void> => {
  await libvirtd.netnsExec(['ip', 'link', 'add', BRIDGE, 'type', 'bridge']);
  await libvirtd.netnsExec(['ip', 'address', 'add', '10.99.0.1/24', 'dev', BRIDGE]);
  await libvirtd.netnsExec(['ip', 'link', 'set', BRIDGE, 'up']);
  const [command = '', ...args] = libvirtd.netnsArgv([
    'dnsmasq',
    '--conf-file=/dev/null',
    `--interface=${BRIDGE}`,
    '--bind-interfaces',
    '--except-interface=lo',
    '--port=0',
    `--dhcp-range=${BRIDGE_ADDRESSES.first},${BRIDGE_ADDRESSES.last},1h`,
    '--dhcp-option=option:router',
    '--leasefile-ro',
    '--pid-file=',
    '--user=root',
  ]);
  // It goes into the background by itself, and ends with libvirtd's namespace.
  const child = spawn(command, args, { stdio: 'inherit' });
  await new Promise((resolve) => child.once('close', resolve));
};

beforeAll(async () => {
  const debian = await buildDebianImage(CACHE);
  world = await startWorld();
  // Guests run as another user, who must reach their disks.
  await chmod(world.dir.path, 0o755);
  const dir = join(world.dir.path, 'v');
  await mkdir(dir);
  world.images.setFile('debian', debian);
  image = world.images.url('debian');
  libvirtd = await startLibvirtd({ dir });
  await startBridge();
  const endpoints = {
    etcd: { host: world.etcd.host, port: world.etcd.port },
    placement: world.placement.section,
  };
  await writeFile(join(world.dir.path, 'schedule.yaml'), JSON.stringify(endpoints));
  await writeFile(join(world.dir.path, 'user-data.yaml'), USER_DATA);
  await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(world.dir.path, 'key')]);
});
afterAll(async () => {
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

const eschedule = async (...argv: string[]): Promise<string> => {
  const { code, stdout, stderr } = await start(argv, world.dir.path).finished;
  expect({ argv, code, stderr }).toMatchObject({ code: 0 });
  return stdout;
};

const ssh = async (address: string, command: string, timeoutMs = 120_000): Promise<string> => {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=no',
    'UserKnownHostsFile=/dev/null',
    'LogLevel=ERROR',
    'ConnectTimeout=20',
  ];
  const { stdout } = await libvirtd.netnsExec(
    [
      'ssh',
      '-i',
      join(world.dir.path, 'key'),
      ...options.flatMap((option) => ['-o', option]),
      `debian@${address}`,
      command,
    ],
    { timeoutMs },
  );
  return stdout.trim();
};

const startAgent = async (name: string, config: object): Promise<Ecompute> => {
  const dir = join(world.dir.path, name);
  await mkdir(dir);
  return world.startAgent({
    dir,
    beside: libvirtd,
    config: {
      libvirt: { uri: libvirtd.uri },
      inventory: { VCPU: { allocation_ratio: 100 } },
      timeouts: { address: BOOT_TIMEOUT_MS / 1000, guest_shutdown: 600 },
      ...config,
    },
  });
};

interface Guest {
  readonly name: string;
  readonly instance: string;
  readonly address: string;
  /** Changes with every boot. */
  readonly bootId: string;
}

const waitForSsh = async (
  agent: Ecompute,
  { instance, address }: Omit<Guest, 'bootId'>,
  isWanted: (bootId: string) => boolean = () => true,
): Promise<string> =>
  waitFor(
    async () => {
      const bootId = await ssh(address, 'cat /proc/sys/kernel/random/boot_id');
      return isWanted(bootId) && bootId;
    },
    {
      what: `ssh to ${address}`,
      timeoutMs: BOOT_TIMEOUT_MS,
      intervalMs: 1000,
      onTimeout: async () => {
        const log = join(agent.stateDir, 'consoles', `${instance}.log`);
        return (await readFile(log, 'utf8').catch(() => 'there is no console log')).slice(-4000);
      },
    },
  );

/** What this test measures. */
const say = (what: string, sinceMs: number): void => {
  process.stderr.write(`${what}: ${Math.round((performance.now() - sinceMs) / 1000)} s after the request\n`);
};

/** Boots a guest as a person does, up to the first answer of its sshd. */
const bootToPrompt = async (
  agent: Ecompute,
  { name, what, options = [] }: { name: string; what: string; options?: readonly string[] },
): Promise<Guest> => {
  const startedAt = performance.now();
  const sizes = ['--vcpus', '2', '--memory', '768M', '--disk', '4G'];
  const own = ['--ssh-key', 'key.pub', '--user-data', 'user-data.yaml', '--meta', 'role=web', ...options];
  const command = ['boot', '--name', name, ...sizes, '--image', image, ...own, '--timeout', '3000', '-o', 'json'];
  const { instance, addresses }: { instance: string; addresses: { address: string }[] } = JSON.parse(
    await eschedule(...command),
  );
  const address = addresses[0]?.address ?? 'no address';
  say(`${what}, address`, startedAt);
  const bootId = await waitForSsh(agent, { name, instance, address });
  say(`${what}, ssh prompt`, startedAt);
  return { name, instance, address, bootId };
};

/** Everything that a guest is told is what it knows. @param subplatform of its cloud-init */
const expectConfigured = async ({ name, instance, address }: Guest, subplatform: string): Promise<void> => {
  // What went wrong in the guest stands in its log, which is gone with it.
  const problems = "sudo grep -hE 'WARNING|ERROR|Error:' /var/log/cloud-init.log";
  const status = await ssh(address, `cloud-init status --wait --long || ${problems}`, BOOT_TIMEOUT_MS);
  expect(status).toContain('status: done');
  expect(await ssh(address, 'cloud-init query subplatform')).toContain(subplatform);
  expect(await ssh(address, 'cloud-init query v1.instance_id')).toBe(instance);
  expect(await ssh(address, 'hostname')).toBe(name);
  expect(await ssh(address, 'cat /etc/motto')).toBe('from the user data');
  const rootMiB = Number(await ssh(address, 'df --output=size -m / | tail -n 1'));
  expect(rootMiB).toBeGreaterThan(3500);
};

const destroy = async (agent: Ecompute, { name }: Pick<Guest, 'name'>): Promise<void> => {
  await eschedule('destroy', name, '--wait', '--timeout', '600');
  await using connection = await connect(libvirtd.uri);
  expect(await connection.listAllDomains()).toEqual([]);
  for (const folder of ['disks', 'config-drives', 'consoles'])
    expect(await readdir(join(agent.stateDir, folder))).toEqual([]);
};

test('a guest has its name, key, user data, disk and networks from its config drive, and keeps them over a reboot', async () => {
  await using agent = await startAgent('openstack', { bridge: BRIDGE });
  await destroy(agent, await bootToPrompt(agent, { name: 'first', what: 'image not cached' }));

  const guest = await bootToPrompt(agent, { name: 'web1', what: 'image cached' });
  await expectConfigured(guest, 'config-disk');
  const { address } = guest;
  expect(await ssh(address, 'sudo cloud-init query ds.meta_data.meta.role')).toBe('web');
  const interfaces = await ssh(address, 'ip -4 -br address');
  expect(interfaces).toContain(`${address}/`);
  expect(interfaces).toMatch(/ 10\.99\.0\.\d+\//);
  const hostKey = await ssh(address, 'cat /etc/ssh/ssh_host_ed25519_key.pub');

  const askedAt = performance.now();
  await eschedule('reboot', 'web1', '--timeout', '3000');
  await waitForSsh(agent, guest, (bootId) => bootId !== guest.bootId);
  say('reboot, ssh prompt', askedAt);
  expect(await ssh(address, 'hostname')).toBe('web1');
  expect(await ssh(address, 'cat /etc/ssh/ssh_host_ed25519_key.pub')).toBe(hostKey);
  expect((await ssh(address, 'cat /var/lib/first-boots')).split('\n')).toHaveLength(1);
  await destroy(agent, guest);
});

test('a guest with UEFI has the same from a NoCloud drive', async () => {
  await using agent = await startAgent('nocloud', {
    guests: { config_drive: 'nocloud' },
    network: { name: 'nocloud', cidr: '10.46.0.0/24' },
    disks: { pool: 'nocloud' },
  });
  const guest = await bootToPrompt(agent, { name: 'web2', what: 'UEFI and NoCloud', options: ['--firmware', 'uefi'] });
  await expectConfigured(guest, 'config-disk');
  expect(await ssh(guest.address, 'test -d /sys/firmware/efi && echo UEFI')).toBe('UEFI');
  await destroy(agent, guest);
});
