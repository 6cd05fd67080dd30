import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PlacementSection } from './placement-server.js';
import { tailLog } from './service.js';
import { makeTempDir } from './temp-dir.js';
import { StopWaiting, waitFor } from './wait-for.js';

export interface EcomputeOptions {
  readonly etcd: { readonly host: string; readonly port: number };
  /** Who counts room; of a server, its `section` says so, or else it is the service at its `endpoint`. */
  readonly placement: PlacementSection | { readonly endpoint: string; readonly section: PlacementSection };
  /** The host's uuid; default a new one. */
  readonly uuid?: string;
  /** Config keys beside those above, or instead of them. The hypervisor is `test:///default` unless `libvirt` is given. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** `ready` (default): return when the agent has said so. `running`: return when its process is there. */
  readonly until?: 'ready' | 'running';
  /** Holds config, state and log; kept when given. */
  readonly dir?: string;
  /** What goes before its command line, such as a program that runs it in another network; it is to become the agent, not to wait for it. */
  readonly wrapper?: readonly string[];
}

/** One line of the log. What the agent writes to standard error has only `msg`. */
export interface LogLine {
  readonly level?: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real agent process. It dies with the process that started it. */
export interface Ecompute extends AsyncDisposable {
  readonly uuid: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly logPath: string;
  /** Of the process as last started. */
  readonly pid: number;
  /** What the process as last started has logged so far. */
  readLog(): Promise<LogLine[]>;
  /** The first line with this message, now or later. */
  waitForLog(msg: string, matches?: (line: LogLine) => boolean): Promise<LogLine>;
  kill(signal: NodeJS.Signals): void;
  /** Waits for the end of the process. */
  exit(): Promise<Exit>;
  /** SIGTERM, and its exit; SIGKILL after 30 s. */
  stop(): Promise<Exit>;
  /** Starts it again with the same config, ending it first when it runs; returns when it is ready, or only there. */
  restart(until?: EcomputeOptions['until']): Promise<void>;
}

/** A build in hand may go on for `timeouts.shutdown`, and what ends it waits its turn on a busy machine. */
const STOP_TIMEOUT_MS = 90_000;

/** `ecompute` as built in this workspace. */
const program = new URL('../../agent/bin/ecompute.js', import.meta.url).pathname;

/** Starts an agent on a config of its own. */
export async function startEcompute(options: EcomputeOptions): Promise<Ecompute> {
  await using cleanUp = new FolderUntilStarted(
    options.dir === undefined ? await makeTempDir('ecompute') : { path: options.dir },
  );
  const { path: dir } = cleanUp.folder;
  const uuid = options.uuid ?? randomUUID();
  const configPath = join(dir, 'compute.yaml');
  const stateDir = join(dir, 'state');
  const config = {
    uuid,
    name: uuid,
    state_dir: stateDir,
    etcd: { host: options.etcd.host, port: options.etcd.port },
    placement: sectionOf(options.placement),
    libvirt: { uri: 'test:///default' },
    network: { cidr: '10.45.0.0/24' },
    // The image servers of tests are here.
    images: { allow_private: ['127.0.0.0/8'] },
    log: { level: 'debug', format: 'json' },
    ...options.config,
  };
  await writeFile(configPath, JSON.stringify(config, undefined, 2)); // which is YAML too
  const { wrapper = [] } = options;
  const logPath = join(dir, 'ecompute.log');
  const ecompute = makeEcompute({ uuid, stateDir, configPath, logPath }, { folder: cleanUp.folder, wrapper });
  try {
    await ecompute.launch(options.until ?? 'ready');
  } catch (error) {
    await ecompute.handle.stop();
    throw error;
  }
  cleanUp.hasStarted = true;
  return ecompute.handle;
}

const sectionOf = (placement: EcomputeOptions['placement']): PlacementSection => {
  if (placement === 'etcd') return placement;
  return 'section' in placement ? placement.section : { endpoint: placement.endpoint };
};

type Folder = { readonly path: string } & Partial<AsyncDisposable>;

/** Removes the folder again when the start fails. */
class FolderUntilStarted implements AsyncDisposable {
  readonly folder: Folder;
  hasStarted = false;
  constructor(folder: Folder) {
    this.folder = folder;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.hasStarted) await this.folder[Symbol.asyncDispose]?.();
  }
}

interface Facts {
  readonly uuid: string;
  readonly stateDir: string;
  readonly configPath: string;
  readonly logPath: string;
}

function makeEcompute(
  facts: Facts,
  { folder, wrapper }: { folder: Folder; wrapper: readonly string[] },
): { handle: Ecompute; launch: (until: 'ready' | 'running') => Promise<void> } {
  let child: ChildProcess | undefined;
  let ended: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  let exit: Exit | undefined;
  let logStart = 0;

  const readLog = async (): Promise<LogLine[]> => {
    const text = await readFile(facts.logPath);
    return text.subarray(logStart).toString().split('\n').filter(Boolean).map(parseLine);
  };
  const waitForLog: Ecompute['waitForLog'] = async (msg, matches = () => true) =>
    waitFor(
      async () => {
        const hasEnded = exit !== undefined;
        const line = (await readLog()).find((candidate) => candidate.msg === msg && matches(candidate));
        if (!line && hasEnded)
          throw new StopWaiting(`ecompute ended before it said '${msg}'\n${await tailLog(facts.logPath)}`);
        return line;
      },
      { what: `ecompute to say '${msg}'`, onTimeout: async () => tailLog(facts.logPath) },
    );

  const launch = async (until: 'ready' | 'running'): Promise<void> => {
    await access(program).catch((cause: unknown) => {
      throw new Error(`could not start ecompute: ${program} is not built`, { cause });
    });
    const log = await open(facts.logPath, 'a');
    try {
      logStart = (await log.stat()).size;
      exit = undefined;
      const argv = [...wrapper, program, '--config', facts.configPath];
      child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
        stdio: ['ignore', log.fd, log.fd],
        env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ECOMPUTE_'))),
      });
    } finally {
      await log.close();
    }
    const started = child;
    ended = once(started, 'exit').then((): Exit => {
      exit = { code: started.exitCode, signal: started.signalCode };
      return exit;
    });
    if (until === 'ready') await waitForLog('ecompute is ready');
  };

  const stop = async (): Promise<Exit> => {
    // A stopped (SIGSTOP) process would keep the SIGTERM pending.
    child?.kill('SIGCONT');
    child?.kill('SIGTERM');
    const timer = setTimeout(() => child?.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const result = child ? await ended : { code: null, signal: null };
    clearTimeout(timer);
    return result;
  };
  const handle: Ecompute = {
    ...facts,
    get pid() {
      return child?.pid ?? 0;
    },
    readLog,
    waitForLog,
    kill: (signal) => void child?.kill(signal),
    exit: async () => ended,
    stop,
    restart: async (until = 'ready') => {
      await stop();
      await launch(until);
    },
    [Symbol.asyncDispose]: async () => {
      await stop();
      await folder[Symbol.asyncDispose]?.();
    },
  };
  return { handle, launch };
}

function parseLine(line: string): LogLine {
  try {
    const parsed: LogLine = JSON.parse(line);
    return parsed;
  } catch {
    return { msg: line };
  }
}
