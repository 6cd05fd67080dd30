/**
 * A machine of its own on this one, to install things on and to pull the plug of: process, network and mount namespaces, with folders
 * of its own in place of /run and libvirt's. All other files are this machine's.
 *
 *   unshare (dies with us) ── process 1: mounts, then waits and reaps
 *                               └─ whatever is run in it
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@etcd-compute/testing/run-command';
import type { CommandResult } from '@etcd-compute/testing/run-command';
import { startService } from '@etcd-compute/testing/service';
import type { Service } from '@etcd-compute/testing/service';
import { waitFor } from '@etcd-compute/testing/wait-for';

export interface Machine extends AsyncDisposable {
  /** Of the machine's own files; removed by its owner. */
  readonly dir: string;
  /** Runs a command in it, in the root folder, to its end; a failure is an error. */
  run(argv: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CommandResult>;
  /** Starts a command in it, to be watched and killed. */
  start(argv: readonly string[]): RunningCommand;
  /** The command lines of its processes. */
  listProcesses(): Promise<string[]>;
  /** Ends everything at once, as a power cut does, and comes back with an empty /run. */
  reboot(): Promise<void>;
}

interface RunningCommand {
  /** What it has written so far, to both. */
  output(): string;
  /** Waits until it has written this. */
  waitForOutput(text: string): Promise<void>;
  /** Ends it, and nothing that it has started. */
  killAlone(): Promise<void>;
}

/** What the machine has in place of these is a folder of its own under `dir`. */
const FOLDERS = {
  run: '/run',
  etc: '/etc/libvirt',
  lib: '/var/lib/libvirt',
  cache: '/var/cache/libvirt',
  log: '/var/log/libvirt',
} as const;

const INIT = [
  'set -e',
  'umount --recursive --lazy /sys',
  'mount -t sysfs sysfs /sys',
  ...Object.entries(FOLDERS).map(([name, path]) => `mount --bind "$1/${name}" ${path}`),
  'ip link set lo up',
  // Up when no other process than these two is on its way, for tests compare what runs before and after.
  'sleep 3600 &',
  'until read -r name < /proc/$!/comm && [ "$name" = sleep ]; do :; done',
  ': > /run/is-up',
  'while :; do wait $!; sleep 3600 & done',
].join('\n');

export async function startMachine(dir: string): Promise<Machine> {
  for (const name of Object.keys(FOLDERS)) await mkdir(join(dir, name), { recursive: true });
  // The settings as they are installed, and nothing that is defined here.
  for (const name of (await readdir(FOLDERS.etc)).filter((file) => file.endsWith('.conf')))
    await cp(join(FOLDERS.etc, name), join(dir, 'etc', name));
  let init = await boot(dir);
  const enter = (argv: readonly string[]): [string, string[]] => [
    'nsenter',
    ['--target', String(init.pid), '--pid', '--net', '--mount', '--', ...argv],
  ];
  const stop = (): Promise<void> => init.service.kill('SIGKILL');
  return {
    dir,
    run: (argv, options) => runCommand(enter(argv).flat(), options),
    start: (argv) => watch(spawn(...enter(argv), { stdio: ['ignore', 'pipe', 'pipe'] })),
    listProcesses: () => listProcesses(init.pid),
    reboot: async () => {
      await stop();
      await rm(join(dir, 'run'), { recursive: true });
      await mkdir(join(dir, 'run'));
      init = await boot(dir);
    },
    [Symbol.asyncDispose]: stop,
  };
}

async function boot(dir: string): Promise<{ service: Service; pid: number }> {
  const namespaces = ['--pid', '--fork', '--kill-child', '--mount-proc', '--net', '--mount'];
  const service = await startService(
    {
      name: 'a machine',
      command: 'unshare',
      args: [...namespaces, 'bash', '-c', INIT, 'init', dir],
      logPath: join(dir, 'init.log'),
    },
    async () => (await readFile(join(dir, 'run', 'is-up'))).length === 0,
  );
  const children = await readFile(`/proc/${service.pid}/task/${service.pid}/children`, 'utf8');
  return { service, pid: Number.parseInt(children, 10) };
}

function watch(child: ChildProcess): RunningCommand {
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = once(child, 'exit');
  return {
    output: () => output,
    waitForOutput: async (text) => {
      await waitFor(() => output.includes(text), { what: `'${text}' to be written`, onTimeout: () => output });
    },
    killAlone: async () => {
      // nsenter waits for the command, and would leave it behind if it were killed itself.
      const children = await readFile(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
      process.kill(Number.parseInt(children, 10), 'SIGKILL');
      await ended;
    },
  };
}

/** All in the pid namespace of its process 1, other than that and its `sleep`. */
async function listProcesses(init: number): Promise<string[]> {
  const namespace = await readlink(`/proc/${init}/ns/pid`);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== init);
  const lines = await Promise.all(
    pids.map(async (pid) => {
      try {
        if ((await readlink(`/proc/${pid}/ns/pid`)) !== namespace) return '';
        return (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ').trim();
      } catch {
        return ''; // it has ended meanwhile
      }
    }),
  );
  return lines.filter((line) => line !== '' && line !== 'sleep 3600');
}
