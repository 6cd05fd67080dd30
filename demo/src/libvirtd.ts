/**
 * The libvirtd that the demo uses: the host's when there is one, which is left as it is; else one of its own, with virtlogd, which
 * keeps the guests' consoles. Both outlive the demo command; `endLibvirtd` ends only those that the demo has started.
 *
 * Ours runs in a mount namespace in which some files of the host look different, so that none of the host's is changed:
 *
 * - Nothing is marked to be started with libvirtd (`autostart.ts`).
 * - On a processor without virtualization, a /dev/kvm that is there nevertheless cannot be opened. libvirtd, as root, would take it as
 *   usable, but its QEMU's user cannot, so libvirtd would throw away what it knows about QEMU and ask again at every turn: half
 *   a minute for each guest. QEMU's own /dev, which libvirtd would mount over it, then has to be turned off.
 */
import { access, mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect as connectSocket } from 'node:net';
import { join } from 'node:path';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { LibvirtError } from '@etcd-compute/libvirt/errors';
import { findCommand, startService } from '@etcd-compute/testing/service';
import { restoreAutostart, suppressAutostart } from './autostart.js';
import type { Folders } from './folders.js';
import { endService, findService } from './processes.js';

export const LIBVIRT_URI = 'qemu:///system';

const LOG_SOCKET = '/run/libvirt/virtlogd-sock';
const CONNECT_TIMEOUT_MS = 60_000;

interface LibvirtFiles {
  readonly folder: string;
  readonly libvirtd: string;
  readonly virtlogd: string;
}

const filesOf = ({ dir }: Folders): LibvirtFiles => ({
  folder: join(dir, 'libvirtd'),
  libvirtd: join(dir, 'libvirtd.process.json'),
  virtlogd: join(dir, 'virtlogd.process.json'),
});

/** Where it is written which processes are ours, when there are any. */
export const libvirtStateFiles = (folders: Folders): readonly string[] => {
  const { libvirtd, virtlogd } = filesOf(folders);
  return [libvirtd, virtlogd];
};

export const isOwnLibvirtd = async (folders: Folders): Promise<boolean> =>
  (await findService(filesOf(folders).libvirtd)) !== undefined;

/** The host's libvirtd, or ours; undefined when none answers. The caller closes it. */
export const findLibvirt = async (): Promise<Connection | undefined> => {
  try {
    return await connect(LIBVIRT_URI, { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
  } catch (error) {
    if (error instanceof LibvirtError) return undefined;
    if (!(error instanceof Error && error.name === 'TimeoutError')) throw error;
    throw new Error(`could not connect to ${LIBVIRT_URI}: a libvirtd is there, and does not answer`, { cause: error });
  }
};

/** A connection to the host's libvirtd, or to ours, which is started when neither runs. */
export const ensureLibvirt = async (folders: Folders): Promise<Connection> => {
  const found = await findLibvirt();
  if (found) return found;
  await startLibvirtd(folders);
  return connect(LIBVIRT_URI, { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
};

/** Ends those that the demo has started; guests of others that run on them go on. */
export const endLibvirtd = async (folders: Folders): Promise<boolean> => {
  const { folder, libvirtd, virtlogd } = filesOf(folders);
  const hasEnded = await endService(libvirtd);
  await endService(virtlogd);
  await restoreAutostart(folder);
  return hasEnded;
};

/** virtlogd keeps what guests say on their consoles; libvirtd does not start it by itself. */
export const ensureLogDaemon = async (folders: Folders): Promise<void> => {
  if (await isListening(LOG_SOCKET)) return;
  const files = filesOf(folders);
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  await startService(
    {
      name: 'virtlogd',
      command: 'virtlogd',
      args: ['--pid-file', join(files.folder, 'virtlogd.pid')],
      logPath: join(folders.dir, 'virtlogd.log'),
      detached: true,
      stateFile: files.virtlogd,
      signalsAlone: true,
    },
    () => isListening(LOG_SOCKET),
  );
};

const startLibvirtd = async (folders: Folders): Promise<void> => {
  const files = filesOf(folders);
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  await ensureLogDaemon(folders);
  const [command = '', ...args] = await inNamespace(files.folder, [
    findCommand('libvirtd'),
    '--pid-file',
    join(files.folder, 'libvirtd.pid'),
  ]);
  await startService(
    {
      name: 'libvirtd',
      command,
      args,
      logPath: join(folders.dir, 'libvirtd.log'),
      detached: true,
      stateFile: files.libvirtd,
      // Its guests and their DHCP servers are in its process group, and outlive it.
      signalsAlone: true,
    },
    async () => {
      const connection = await findLibvirt();
      await connection?.close();
      return connection !== undefined;
    },
  );
};

const isListening = async (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connectSocket(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** An argv that runs the given one where the host's files look as said above. It keeps its pid. */
const inNamespace = async (folder: string, argv: readonly string[]): Promise<readonly string[]> => {
  const mounts = await suppressAutostart(folder);
  if (await isKvmUseless()) {
    const noDevice = join(folder, 'no-kvm');
    await writeFile(noDevice, '', { mode: 0o000 });
    const qemuConf = join(folder, 'qemu.conf');
    await writeFile(qemuConf, withoutNamespaces(await readFile('/etc/libvirt/qemu.conf', 'utf8')), { mode: 0o600 });
    mounts.push({ from: noDevice, over: '/dev/kvm' }, { from: qemuConf, over: '/etc/libvirt/qemu.conf' });
  }
  const program = 'set -e; while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done; shift; exec "$@"';
  const pairs = mounts.flatMap(({ from, over }) => [from, over]);
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', program, 'sh', ...pairs, '--', ...argv];
};

/** Whether the machine has a /dev/kvm that cannot do anything. */
export const isKvmUseless = async (): Promise<boolean> => {
  if (process.arch !== 'x64') return false;
  const hasDevice = await access('/dev/kvm').then(
    () => true,
    () => false,
  );
  return hasDevice && !/^flags\s*:.*\b(vmx|svm)\b/m.test(await readFile('/proc/cpuinfo', 'utf8'));
};

/** libvirt takes the first of two settings with the same name. */
const withoutNamespaces = (conf: string): string => `namespaces = []\n${conf}`;
