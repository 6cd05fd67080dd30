/**
 * A libvirtd of one's own: several hypervisors on one machine, each unaware of the others and of the host's.
 *
 *   unshare (dies with us) ── process 1 of a pid namespace: mounts, then waits and reaps
 *                               └─ libvirtd, dnsmasq, qemu ...   all of them in its network and mount namespace
 *
 * Ending `unshare` ends process 1, and the kernel then kills everything in the pid namespace and drops its networks and mounts, so
 * nothing can be left behind, even after a SIGKILL of the test. libvirtd itself can be killed and restarted while guests live on.
 */
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './run-command.js';
import type { CommandResult } from './run-command.js';
import { extendService, findCommand, startService } from './service.js';
import type { Service } from './service.js';

export interface LibvirtdOptions {
  /** Holds libvirtd's configuration, state, logs and sockets. A short path: a socket's path has at most 107 bytes. */
  readonly dir: string;
}

export interface LibvirtDaemon extends Service {
  /** Works from outside the namespaces: a unix socket under `dir`. */
  readonly uri: string;
  /** Its network namespace, for others to enter; gone when it is stopped. */
  readonly netnsPath: string;
  /** An argv that runs the given one in libvirtd's namespaces, where its bridges, guests' addresses and /run are. */
  netnsArgv(argv: readonly string[]): readonly string[];
  /** Runs a command there to its end; a failure is an error. */
  netnsExec(argv: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CommandResult>;
}

/** What libvirtd sees under these paths is a folder of ours. */
const FOLDERS = {
  run: '/run',
  etc: '/etc/libvirt',
  lib: '/var/lib/libvirt',
  cache: '/var/cache/libvirt',
  log: '/var/log/libvirt',
} as const;

/**
 * A /dev/kvm that opens but cannot run guests (a virtual machine without nested virtualization has one) makes libvirtd ask qemu for
 * its capabilities again before every operation, 12 s each time. Bash; for a mount namespace of one's own.
 */
export const HIDE_UNUSABLE_KVM = [
  'if [ -e /dev/kvm ] && ! grep -qwE "vmx|svm" /proc/cpuinfo; then',
  '  mount -t tmpfs -o size=4k none /mnt && touch /mnt/no-kvm && chmod 000 /mnt/no-kvm',
  '  mount --bind /mnt/no-kvm /dev/kvm && umount /mnt',
  'fi',
].join('\n');

const CAPABILITIES_CACHE = join(import.meta.dirname, '../../../.cache/libvirt-capabilities');

const LIBVIRTD_CONF = `
auth_unix_rw = "none"
unix_sock_rw_perms = "0777"
log_level = 3
log_outputs = "3:stderr"
`;

// Without virtlogd, qemu writes its logs itself; without a mount namespace per guest, starting one is quicker.
const QEMU_CONF = `
stdio_handler = "file"
security_driver = "none"
namespaces = []
remember_owner = 0
`;

/** Starts a private libvirtd; needs root. Removing `dir` afterwards is the caller's. */
export async function startLibvirtd({ dir }: LibvirtdOptions): Promise<LibvirtDaemon> {
  if (process.getuid?.() !== 0) {
    throw new Error('could not start a private libvirtd: network namespaces need root; run this with sudo');
  }
  const socket = join(dir, 'run', 'libvirt', 'libvirt-sock');
  if (Buffer.byteLength(socket) > 107) {
    throw new Error(`could not start a private libvirtd: the path of its socket is longer than 107 bytes: ${socket}`);
  }
  await prepareFolders(dir);
  await copyCapabilities(CAPABILITIES_CACHE, join(dir, 'cache', 'qemu', 'capabilities'));
  const namespace = await startNamespace(dir);
  const netnsArgv = (argv: readonly string[]): readonly string[] => enter(namespace.pid, argv);
  const uri = `qemu+unix:///system?socket=${socket}`;
  try {
    const [command = '', ...args] = netnsArgv([findCommand('libvirtd'), '--config', '/etc/libvirt/libvirtd.conf']);
    const daemon = await startService(
      { name: 'libvirtd', command, args, logPath: join(dir, 'log', 'libvirtd.log') },
      async () => {
        await runCommand(['virsh', '-c', uri, 'version'], { timeoutMs: 10_000 });
        return true;
      },
    );
    await copyCapabilities(join(dir, 'cache', 'qemu', 'capabilities'), CAPABILITIES_CACHE);
    const facts = {
      uri,
      netnsPath: `/proc/${namespace.pid}/ns/net`,
      netnsArgv,
      netnsExec: (argv: readonly string[], options?: { readonly timeoutMs?: number }) =>
        runCommand(netnsArgv(argv), options),
    };
    return extendService(daemon, facts, () => namespace.stop());
  } catch (error) {
    await namespace.stop();
    throw error;
  }
}

/**
 * libvirtd asks every qemu program of the machine what it can do, which takes seconds, and keeps the answers in files that it
 * checks against the programs. A copy kept from one private libvirtd to the next makes all but the first start quickly.
 */
async function copyCapabilities(from: string, to: string): Promise<void> {
  await cp(from, to, { recursive: true, preserveTimestamps: true }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  });
}

async function prepareFolders(dir: string): Promise<void> {
  for (const name of Object.keys(FOLDERS)) await mkdir(join(dir, name), { recursive: true, mode: 0o755 });
  // /var/lock, where libvirt locks a console's terminal.
  await mkdir(join(dir, 'run', 'lock'), { recursive: true });
  await writeFile(join(dir, 'etc', 'libvirtd.conf'), LIBVIRTD_CONF);
  await writeFile(join(dir, 'etc', 'qemu.conf'), QEMU_CONF);
}

interface Namespace {
  /** Of its process 1, seen from outside. */
  readonly pid: number;
  stop(): Promise<void>;
}

async function startNamespace(dir: string): Promise<Namespace> {
  const binds = Object.entries(FOLDERS).map(([name, path]) => `mount --bind "$1/${name}" ${path}`);
  // A fresh sysfs shows this network namespace, and no cgroups, which are the host's and which libvirtd would share with others.
  const program = [
    'set -e',
    'umount --recursive --lazy /sys',
    'mount -t sysfs sysfs /sys',
    ...binds,
    HIDE_UNUSABLE_KVM,
    'ip link set lo up',
    'touch /run/namespace-is-ready',
    'while :; do sleep 3600 & wait $!; done',
  ].join('\n');
  const args = [
    '--pid',
    '--fork',
    '--kill-child',
    '--mount-proc',
    '--net',
    '--mount',
    'bash',
    '-c',
    program,
    'init',
    dir,
  ];
  const unshared = await startService(
    { name: 'namespace', command: 'unshare', args, logPath: join(dir, 'log', 'namespace.log') },
    async () => (await readFile(join(dir, 'run', 'namespace-is-ready'))).length === 0,
  );
  const children = await readFile(`/proc/${unshared.pid}/task/${unshared.pid}/children`, 'utf8');
  return { pid: Number.parseInt(children, 10), stop: () => unshared.kill('SIGKILL') };
}

function enter(pid: number, argv: readonly string[]): readonly string[] {
  return ['nsenter', '--target', String(pid), '--pid', '--net', '--mount', '--', ...argv];
}
