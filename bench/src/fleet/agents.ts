import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { newProviderUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import type { Resources } from '@etcd-compute/testing/resources';
import { tailLog } from '@etcd-compute/testing/service';
import { StopWaiting, waitFor } from '@etcd-compute/testing/wait-for';
import type { AgentsCommand, AgentsMessage, AgentToStart, Measured } from './agents-messages.js';

/** A simulated host: a real agent on a private hypervisor of libvirt's test driver. */
export interface FleetHost {
  readonly uuid: ProviderUuid;
  readonly stateDir: string;
}

export interface Agents {
  readonly hosts: readonly FleetHost[];
  /** Of the processes that hold them. */
  readonly pids: readonly number[];
  /** Starts agents until there are so many. @param onProgress told how many are ready. */
  grow(count: number, onProgress: (ready: number) => void): Promise<void>;
  /** Of each process, of its memory when it has collected its garbage. */
  measure(options: { readonly collectsGarbage: boolean }): Promise<Measured[]>;
}

export interface AgentsOptions {
  readonly resources: Resources;
  readonly dir: string;
  readonly processes: number;
  /** Sections of `compute.yaml` beside those that are a host's own. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly signal: AbortSignal;
}

const PROGRAM = fileURLToPath(new URL('agents-process.js', import.meta.url));
const START_TIMEOUT_MS = 1_800_000;
const END_TIMEOUT_MS = 30_000;

/** A host of 64 processors and 256 GiB. */
const HYPERVISOR = `<node>
  <cpu>
    <mhz>3000</mhz><model>x86_64</model><active>64</active>
    <nodes>2</nodes><sockets>1</sockets><cores>16</cores><threads>2</threads>
  </cpu>
  <memory>268435456</memory>
</node>
`;

interface AgentsProcess {
  readonly child: ChildProcess;
  readonly logPath: string;
  isLoaded: boolean;
  ready: number;
  failure: string | undefined;
  measured: Measured | undefined;
}

export const openAgents = async (options: AgentsOptions): Promise<Agents> => {
  const { resources, dir, processes: count, signal } = options;
  const hosts: FleetHost[] = [];
  const processes: AgentsProcess[] = [];
  for (let index = 0; index < count; index += 1)
    processes.push(await startProcess(resources, join(dir, `agents-${index}.log`)));
  /** Polls what the processes have said; one that fails ends the wait. */
  const until = async <T>(what: string, check: () => T | undefined | false): Promise<T> =>
    waitFor(
      async () => {
        const failed = processes.find(({ failure }) => failure !== undefined);
        if (failed) throw new StopWaiting(`${failed.failure}\n${await tailLog(failed.logPath)}`);
        return check();
      },
      { what, timeoutMs: START_TIMEOUT_MS, intervalMs: 100, signal },
    );
  await until('the processes with agents to load', () => processes.every(({ isLoaded }) => isLoaded));

  const grow: Agents['grow'] = async (wanted, onProgress) => {
    const batches = processes.map((): AgentToStart[] => []);
    while (hosts.length < wanted) {
      const index = hosts.length;
      const { host, config } = await prepareHost(options, index);
      hosts.push(host);
      batches[index % batches.length]?.push({ config });
    }
    for (const [index, { child }] of processes.entries()) tell(child, { kind: 'start', agents: batches[index] ?? [] });
    await until(`${wanted} agents to be ready`, () => {
      const ready = processes.reduce((sum, each) => sum + each.ready, 0);
      onProgress(ready);
      return ready >= wanted;
    });
  };
  const measure: Agents['measure'] = async ({ collectsGarbage }) => {
    for (const each of processes) {
      each.measured = undefined;
      tell(each.child, { kind: 'measure', collectsGarbage });
    }
    return until('the processes with agents to say what they take', () => {
      const all = processes.flatMap(({ measured }) => measured ?? []);
      return all.length === processes.length && all;
    });
  };
  return { hosts, pids: processes.map(({ child }) => child.pid ?? 0), grow, measure };
};

const tell = (child: ChildProcess, command: AgentsCommand): void => void child.send(command);

const startProcess = async (resources: Resources, logPath: string): Promise<AgentsProcess> => {
  const log = await open(logPath, 'a');
  // In a group of its own: a Ctrl-C in the terminal is for us. It dies with us, however we end.
  const argv = ['--pdeathsig', 'KILL', '--', process.execPath, PROGRAM];
  const child = spawn('setpriv', argv, { stdio: ['ignore', log.fd, log.fd, 'ipc'], detached: true });
  await log.close();
  const state: AgentsProcess = {
    child,
    logPath,
    isLoaded: false,
    ready: 0,
    failure: undefined,
    measured: undefined,
  };
  child.on('message', (message: AgentsMessage) => {
    if (message.kind === 'loaded') state.isLoaded = true;
    if (message.kind === 'started') state.ready += 1;
    if (message.kind === 'failed') state.failure ??= `an agent failed: ${message.message}`;
    if (message.kind === 'measured') state.measured = message;
  });
  child.on('error', (err) => (state.failure ??= err.message));
  child.on('exit', (code, sent) => (state.failure ??= `a process with agents ended with ${code ?? sent}`));
  resources.defer(async () => {
    child.kill('SIGKILL');
    await waitFor(() => child.exitCode !== null || child.signalCode !== null, {
      what: 'a process with agents to end',
      timeoutMs: END_TIMEOUT_MS,
    });
  });
  return state;
};

const prepareHost = async (
  { dir, config }: AgentsOptions,
  index: number,
): Promise<{ host: FleetHost; config: AgentToStart['config'] }> => {
  const name = `host-${String(index + 1).padStart(4, '0')}`;
  const folder = join(dir, name);
  const hypervisor = join(folder, 'hypervisor.xml');
  const host = { uuid: newProviderUuid(), stateDir: join(folder, 'state') };
  await mkdir(host.stateDir, { recursive: true, mode: 0o755 });
  await writeFile(hypervisor, HYPERVISOR);
  // Every connection to such a file is a hypervisor of its own: there has to be one.
  const libvirt = { uri: `test://${hypervisor}`, threads: 1 };
  return { host, config: { ...config, uuid: host.uuid, name, state_dir: host.stateDir, libvirt } };
};
