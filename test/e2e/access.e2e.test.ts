/**
 * `eschedule logs` and `eschedule ssh` from another machine than the hypervisor: three network namespaces, each on a wire to the others.
 *
 *   this one: etcd, Placement, images ──┬── "hypervisor": libvirtd, agent, the guest behind its NAT
 *                                       └── "desk": eschedule          │
 *                                              └───────────────────────┘
 */
import { spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { connect } from '@etcd-compute/libvirt/connection';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { startEcompute, type Ecompute } from '@etcd-compute/testing/ecompute';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer, type ImageServer } from '@etcd-compute/testing/image-server';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { takeNetwork } from '@etcd-compute/testing/reserve';
import { runCommand } from '@etcd-compute/testing/run-command';
import { findCommand, startService, type Service } from '@etcd-compute/testing/service';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startWorld, waitForRecord, type World } from '../integration/fixtures/agent-world.js';
import { sectionAt } from '../integration/fixtures/counting.js';

const CACHE = join(import.meta.dirname, '../../.cache');
const PROGRAM = fileURLToPath(import.meta.resolve('@etcd-compute/scheduler/eschedule.cjs'));
/** The network's first three numbers, and the prefix of the wires' names. */
let net: string;
let wire: string;

let world: World;
let libvirtd: LibvirtDaemon;
let desk: Service;
let files: ImageServer;
let proxies: TcpProxy[] = [];
let agent: Ecompute;
let instance: InstanceUuid;

const inNetwork = (netns: string, argv: readonly string[]): string[] => ['nsenter', `--net=${netns}`, '--', ...argv];
const deskNetns = (): string => `/proc/${desk.pid}/ns/net`;
const ip = async (netns: string, ...args: string[]): Promise<unknown> => runCommand(inNetwork(netns, ['ip', ...args]));

/** Two ends, each with its address, up. */
const layWire = async (
  name: string,
  [one, other]: readonly { readonly netns: string; readonly address: string }[],
): Promise<void> => {
  if (!one || !other) return;
  const pid = /\/proc\/(\d+|self)\//.exec(other.netns)?.[1] ?? '';
  await ip(one.netns, 'link', 'add', name, 'type', 'veth', 'peer', 'name', name, 'netns', pid);
  for (const { netns, address } of [one, other]) {
    await ip(netns, 'address', 'add', `${address}/30`, 'dev', name);
    await ip(netns, 'link', 'set', name, 'up');
  }
};

const startDesk = async (dir: string): Promise<Service> =>
  startService(
    {
      name: 'desk',
      command: 'unshare',
      args: [
        '--net',
        'bash',
        '-c',
        'ip link set lo up && touch "$1" && exec sleep infinity',
        'desk',
        join(dir, 'is-up'),
      ],
      logPath: join(dir, 'desk.log'),
    },
    async () => (await readFile(join(dir, 'is-up'))).length === 0,
  );

beforeAll(async () => {
  ({ net, wire } = await takeNetwork());
  world = await startWorld();
  const { path } = world.dir;
  // Guests run as another user, who must reach their disks.
  await chmod(path, 0o755);
  for (const name of ['v', 'agent', 'desk']) await mkdir(join(path, name));
  libvirtd = await startLibvirtd({ dir: join(path, 'v') });
  desk = await startDesk(join(path, 'desk'));
  const here = '/proc/self/ns/net';
  const hypervisor = libvirtd.netnsPath;
  await layWire(`${wire}h`, [
    { netns: here, address: `${net}.1` },
    { netns: hypervisor, address: `${net}.2` },
  ]);
  await layWire(`${wire}d`, [
    { netns: here, address: `${net}.5` },
    { netns: deskNetns(), address: `${net}.6` },
  ]);
  await layWire(`${wire}x`, [
    { netns: hypervisor, address: `${net}.9` },
    { netns: deskNetns(), address: `${net}.10` },
  ]);

  const guest = await buildGuestImage(CACHE);
  files = await startImageServer({ guest: guest.path }, { host: `${net}.1` });
  const { hostname, port } = new URL(world.placement.endpoint);
  const servers = [world.etcd, { host: hostname, port: Number(port) }];
  const proxiesAt = async (host: string): Promise<TcpProxy[]> =>
    Promise.all(servers.map(async (server) => startTcpProxy(server, { host })));
  const [forAgent, forDesk] = [await proxiesAt(`${net}.1`), await proxiesAt(`${net}.5`)];
  proxies = [...forAgent, ...forDesk];
  const sectionsOf = ([etcd, placement]: readonly TcpProxy[]) => ({
    etcd: { host: etcd?.host ?? '', port: etcd?.port ?? 0 },
    placement: sectionAt(placement?.endpoint ?? ''),
  });
  agent = await startEcompute({
    ...sectionsOf(forAgent),
    dir: join(path, 'agent'),
    wrapper: inNetwork(hypervisor, []),
    config: {
      libvirt: { uri: libvirtd.uri },
      images: { allow_private: [`${net}.0/24`] },
      // The guest gets its ssh server from there.
      network: { allow: [`${net}.1`] },
    },
  });
  await writeFile(join(path, 'schedule.yaml'), JSON.stringify(sectionsOf(forDesk)));
  const booted = await eschedule(
    'boot',
    '--name',
    'web1',
    '--memory',
    '128M',
    '--image',
    files.url('guest'),
    '-o',
    'name',
  );
  instance = instanceUuidSchema.parse(booted.stdout.trim());
  await waitForRecord(world, instance, ({ addresses }) => addresses.length > 0);
});
afterAll(async () => {
  await agent[Symbol.asyncDispose]();
  for (const proxy of proxies) await proxy.stop();
  await Promise.all([files.stop(), desk.stop()]);
  await libvirtd.stop();
  await world[Symbol.asyncDispose]();
});

/** As typed at the desk; `netns` is another machine. */
const escheduleIn = async (
  netns: string,
  ...argv: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const [command = '', ...args] = inNetwork(netns, [process.execPath, PROGRAM, ...argv]);
  const child = spawn(command, args, {
    cwd: world.dir.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, XDG_STATE_HOME: join(world.dir.path, 'state of mine') },
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [code, stdout, stderr] = await Promise.all([ended, buffer(child.stdout), buffer(child.stderr)]);
  return { code, stdout: stdout.toString('latin1'), stderr: stderr.toString() };
};
const eschedule = async (...argv: string[]): ReturnType<typeof escheduleIn> => escheduleIn(deskNetns(), ...argv);

const ssh = (...command: string[]): string[] => {
  const identity = join(world.dir.path, 'key');
  return ['ssh', 'web1', '--wait', '--timeout', '60', '--user', 'root', '--identity', identity, '--', ...command];
};

/** Types lines at the shell on the guest's serial console, and waits until the last one has said `until`. */
const type = async (lines: readonly string[], until: string): Promise<void> => {
  await using connection = await connect(libvirtd.uri);
  await using domain = await connection.domainLookupByUUID(instance);
  const terminal = await domain.openConsole(null);
  terminal.resume();
  terminal.on('error', () => undefined);
  for (const line of lines) terminal.write(`${line}\r`);
  await waitFor(async () => (await eschedule('logs', 'web1')).stdout.includes(until), { what: `'${until}'` });
  terminal.destroy();
};

/** Debian's dropbear with the libraries that it needs, keys, and a user: what makes an ssh server of the tiny guest. */
const packSshServer = async (): Promise<string> => {
  const { path } = world.dir;
  const root = join(path, 'sshd');
  const program = findCommand('dropbear');
  const { stdout } = await runCommand(['ldd', program]);
  const libraries = [...stdout.matchAll(/(\/\S+) \(0x/g)].flatMap(([, library]) => library ?? []);
  for (const file of [program, ...libraries]) {
    const target = join(root, file === program ? '/bin/dropbear' : file);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(file, target);
  }
  await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(path, 'key')]);
  await mkdir(join(root, 'etc'), { recursive: true });
  await mkdir(join(root, 'root/.ssh'), { recursive: true, mode: 0o700 });
  await copyFile(join(path, 'key.pub'), join(root, 'root/.ssh/authorized_keys'));
  await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
  await runCommand(['dropbearkey', '-t', 'ed25519', '-f', join(root, 'etc/host-key')]);
  const archive = join(path, 'sshd.tar');
  await runCommand(['tar', '-C', root, '--owner=0', '--group=0', '-cf', archive, '.']);
  return archive;
};

test('the console is read from another machine; a tunnel to a guest in which nothing listens says so', async () => {
  await type(['', 'echo it-is-$((40+2))'], 'it-is-42');
  const { code, stdout, stderr } = await eschedule('logs', 'web1', '--tail', '3');
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('it-is-42\r\n');
  const early = await eschedule('tunnel', 'web1');
  expect(early).toMatchObject({ code: 1, stdout: '' });
  expect(early.stderr).toMatch(
    /could not reach port 22 of instance .*: nothing answers at 10\.45\.0\.\d+: .*ECONNREFUSED/,
  );
});

interface Terminal extends AsyncDisposable {
  readonly text: () => string;
  readonly errors: () => string;
  readonly code: Promise<number | null>;
  type(text: string): void;
  waitForText(text: string): Promise<void>;
}

/** `eschedule console`, at the desk. */
const openConsole = (...argv: string[]): Terminal => {
  const [command = '', ...args] = inNetwork(deskNetns(), [process.execPath, PROGRAM, 'console', 'web1', ...argv]);
  const child = spawn(command, args, { cwd: world.dir.path, stdio: ['pipe', 'pipe', 'pipe'] });
  let [text, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  child.stdin.on('error', () => undefined);
  const code = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    text: () => text,
    errors: () => errors,
    code,
    type: (keys) => child.stdin.write(keys),
    waitForText: async (wanted) => {
      await waitFor(() => text.includes(wanted), { what: `'${wanted}'`, onTimeout: () => `${text}\n${errors}` });
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await code;
    },
  };
};

test('console: one types from another machine, others watch, and the log has it all; a killed agent ends only the typing', async () => {
  await using writer = openConsole('--tail', '0');
  await using one = openConsole('--watch', '--tail', '0');
  await using other = openConsole('--watch', '--tail', '0');
  // Each has begun when it sees what is typed.
  for (const terminal of [writer, one, other])
    await waitFor(
      () => {
        writer.type('\r');
        return terminal.text() !== '';
      },
      { what: 'an echo', intervalMs: 500, onTimeout: () => terminal.errors() },
    );
  const late = openConsole();
  expect(await late.code).toBe(1);
  expect(late.errors()).toContain('types at the console of instance');

  writer.type('seq 1 5000; echo all-$((6*7))\r');
  for (const terminal of [writer, one, other]) await terminal.waitForText('all-42');
  const expected = Array.from({ length: 5000 }, (_, index) => `${index + 1}\r\n`).join('');
  const { stdout: log } = await eschedule('logs', 'web1');
  for (const text of [writer.text(), one.text(), other.text(), log]) expect(text).toContain(`${expected}all-42`);

  await using taker = openConsole('--force', '--tail', '0');
  expect(await writer.code).toBe(1);
  expect(writer.errors()).toContain('has taken over the console of instance');
  await waitFor(
    () => {
      taker.type('echo taken-$((1+1))\r');
      return taker.text().includes('taken-2');
    },
    { what: 'the console to be taken', intervalMs: 500, onTimeout: () => taker.errors() },
  );

  agent.kill('SIGKILL');
  expect(await taker.code).toBe(1);
  expect(taker.errors()).toContain('closed the connection');
  await agent.exit();
  await agent.restart();
  await using again = await waitFor(async () => openAgain(), { what: 'a console of the new agent' });
  again.type('echo after-$((4+4))\r');
  // They have gone on by themselves.
  for (const terminal of [again, one, other]) await terminal.waitForText('after-8');
  await again[Symbol.asyncDispose]();
  await agent.waitForLog('console given back');
});

/** Undefined while the agent does not serve consoles again. */
const openAgain = async (): Promise<Terminal | undefined> => {
  const terminal = openConsole('--tail', '0');
  const answered = waitFor(
    () => {
      terminal.type('\r');
      return terminal.text() !== '';
    },
    { what: 'an answer', intervalMs: 300 },
  );
  const isOpen = await Promise.race([terminal.code.then(() => false), answered.then(() => true)]);
  return isOpen ? terminal : undefined;
};

test('ssh: through the agent where the guest’s network is not to be reached, directly where the agent is away', async () => {
  files.setFile('sshd.tar', await packSshServer());
  const start = '/bin/dropbear -F -E -s -r /etc/host-key -p 22 &';
  await type([`cd /; wget -q -O - ${files.url('sshd.tar')} | tar x; echo unpacked-$((1+1)); ${start}`], 'unpacked-2');
  const first = await eschedule(...ssh('echo', '"hello from $(cat /proc/uptime | wc -l)"', '-n', '--debug'));
  expect(first).toMatchObject({ code: 0, stdout: 'hello from 1 -n --debug\n' });
  expect(await eschedule(...ssh('exit 7'))).toMatchObject({ code: 7 });
  const much = await eschedule(...ssh('dd if=/dev/zero bs=65536 count=64 2> /dev/null'));
  expect(much.stdout).toHaveLength(4 * 1024 * 1024);
  const known = await readFile(join(world.dir.path, 'state of mine/eschedule/known_hosts'), 'utf8');
  expect(known).toMatch(new RegExp(`^${instance} ssh-ed25519 \\S+\n$`));

  await agent.stop();
  const direct = await escheduleIn(libvirtd.netnsPath, '--config', await configAtHypervisor(), ...ssh('echo', 'near'));
  expect(direct).toMatchObject({ code: 0, stdout: 'near\n' });
  expect(direct.stderr).toContain('is down; going to 10.45.0.');
  const away = await eschedule(...ssh('echo', 'far'));
  expect(away).toMatchObject({ code: 1, stdout: '' });
  expect(away.stderr).toContain(`could not reach port 22 of instance ${instance}: not directly (10.45.0.`);
});

/** The hypervisor has its own way to etcd. */
const configAtHypervisor = async (): Promise<string> => {
  const path = join(world.dir.path, 'at-hypervisor.yaml');
  const { etcd, placement }: { etcd: unknown; placement: unknown } = JSON.parse(
    await readFile(agent.configPath, 'utf8'),
  );
  await writeFile(path, JSON.stringify({ etcd, placement }));
  return path;
};
