/**
 * A server program that a test, a benchmark or the demo owns.
 *
 * It is started in its own process group, so that a signal reaches its workers too and a Ctrl-C in the terminal does not. It
 * dies with its parent (PR_SET_PDEATHSIG), even when that one is killed with SIGKILL, unless it was asked for `detached`: then it
 * outlives its parent, and `<stateFile>` holds all that a later process needs to adopt, restart or stop it.
 *
 * PDEATHSIG acts when the *thread* that started the program ends: start services from a main thread, not from a worker.
 */
import { spawn } from 'node:child_process';
import { constants, accessSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { identifyProcess, isAlive, signalProcess, waitForExit } from './process-identity.js';
import type { ProcessIdentity } from './process-identity.js';
import { replaceFile } from './replace-file.js';
import { StopWaiting, waitFor } from './wait-for.js';

export interface ServiceSpec {
  /** For error messages: "etcd". */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to this process's environment, of which the variables that start with `dropEnv` are left out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly dropEnv?: string;
  readonly logPath: string;
  /** Outlive the process that started it; needs `stateFile`. */
  readonly detached?: boolean;
  readonly stateFile?: string;
  /** Signals go to the program alone: what it has started is meant to live on (libvirtd's guests). Default false. */
  readonly signalsAlone?: boolean;
  /** How long it has to become ready. Default 120,000. */
  readonly readyTimeoutMs?: number;
}

/** Throws or returns false until the service answers. */
export type ReadyCheck = () => Promise<boolean>;

export interface Service extends AsyncDisposable {
  /** Of the program as last started. */
  readonly pid: number;
  readonly logPath: string;
  isRunning(): Promise<boolean>;
  /** Sends a signal; default SIGKILL. Returns when the program is gone, or at once for signals that do not end it. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again as it was started, ending it first when it runs; returns when it is ready. */
  restart(): Promise<void>;
  /** SIGTERM, then SIGKILL after 10 s. Not an error when it is gone already. */
  stop(): Promise<void>;
}

const ENDS_NOTHING: readonly NodeJS.Signals[] = ['SIGSTOP', 'SIGCONT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'];
const STOP_TIMEOUT_MS = 10_000;

/** Starts the program and returns when `isReady` says so; a program that dies before is an error that shows its log. */
export async function startService(spec: ServiceSpec, isReady: ReadyCheck): Promise<Service> {
  return makeService(spec, isReady, await launch(spec, isReady));
}

/** The service that `stateFile` tells of, or undefined when it is not running any more (the file is then removed). */
export async function adoptService(stateFile: string, isReady: ReadyCheck): Promise<Service | undefined> {
  const text = await readFile(stateFile, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // Written by `launch` below and by nothing else.
  const { identity, spec }: { identity: ProcessIdentity; spec: ServiceSpec } = JSON.parse(text);
  if (await isAlive(identity)) return makeService(spec, isReady, identity);
  await rm(stateFile, { force: true });
  return undefined;
}

function makeService(spec: ServiceSpec, isReady: ReadyCheck, first: ProcessIdentity): Service {
  let identity = first;
  const isGroup = spec.signalsAlone !== true;

  const stop = async (): Promise<void> => {
    // A stopped (SIGSTOP) process would keep the SIGTERM pending.
    await signalProcess(identity, 'SIGCONT', isGroup);
    await signalProcess(identity, 'SIGTERM', isGroup);
    if (!(await waitForExit(identity, STOP_TIMEOUT_MS, isGroup))) {
      await signalProcess(identity, 'SIGKILL', isGroup);
      await waitForExit(identity, STOP_TIMEOUT_MS, isGroup);
    }
    if (spec.stateFile) await rm(spec.stateFile, { force: true });
  };

  return {
    get pid() {
      return identity.pid;
    },
    logPath: spec.logPath,
    isRunning: () => isAlive(identity),
    kill: async (signal = 'SIGKILL') => {
      await signalProcess(identity, signal, isGroup);
      if (ENDS_NOTHING.includes(signal)) return;
      if (!(await waitForExit(identity, STOP_TIMEOUT_MS, isGroup))) {
        throw new Error(`could not end ${spec.name} (pid ${identity.pid}): still running 10 s after ${signal}`);
      }
    },
    restart: async () => {
      await stop();
      identity = await launch(spec, isReady);
    },
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

/** The same service with more facts about it, and with more to do after it has stopped. */
export function extendService<Facts extends object>(
  service: Service,
  facts: Facts,
  afterStop: () => Promise<void>,
): Facts & Service {
  const stop = async (): Promise<void> => {
    await service.stop();
    await afterStop();
  };
  return {
    ...facts,
    get pid() {
      return service.pid;
    },
    logPath: service.logPath,
    isRunning: () => service.isRunning(),
    kill: (signal) => service.kill(signal),
    restart: () => service.restart(),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function launch(spec: ServiceSpec, isReady: ReadyCheck): Promise<ProcessIdentity> {
  const identity = await spawnOwned(spec);
  if (spec.detached && spec.stateFile) {
    await replaceFile(spec.stateFile, JSON.stringify({ identity, spec }, undefined, 2));
  }
  const check = async (): Promise<boolean> => {
    if (!(await isAlive(identity))) {
      throw new StopWaiting(`could not start ${spec.name}: it ended at once\n${await tailLog(spec.logPath)}`);
    }
    return await isReady();
  };
  try {
    await waitFor(check, {
      what: `${spec.name} (pid ${identity.pid}) to be ready`,
      timeoutMs: spec.readyTimeoutMs ?? 120_000,
      onTimeout: () => tailLog(spec.logPath),
    });
  } catch (error) {
    await signalProcess(identity, 'SIGKILL', spec.signalsAlone !== true);
    if (spec.stateFile) await rm(spec.stateFile, { force: true });
    throw error;
  }
  return identity;
}

async function spawnOwned(spec: ServiceSpec): Promise<ProcessIdentity> {
  const program = findCommand(spec.command);
  const argv = spec.detached
    ? [program, ...spec.args]
    : ['setpriv', '--pdeathsig', 'KILL', '--', program, ...spec.args];
  const [command = program, ...args] = argv;
  const log = await open(spec.logPath, 'a');
  try {
    const child = spawn(command, args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...environmentWithout(spec.dropEnv), ...spec.env },
    });
    child.unref();
    const pid = await new Promise<number>((resolve, reject) => {
      child.once('error', reject);
      child.once('spawn', () => resolve(child.pid ?? 0));
    });
    const identity = await identifyProcess(pid);
    if (identity) return identity;
    throw new Error(`could not start ${spec.name}: it ended at once\n${await tailLog(spec.logPath)}`);
  } finally {
    await log.close();
  }
}

function environmentWithout(prefix: string | undefined): NodeJS.ProcessEnv {
  if (prefix === undefined) return process.env;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith(prefix)));
}

/** The path of a program, also from the folders of administrators, which are often not in a user's PATH. */
export function findCommand(name: string): string {
  if (name.startsWith('/')) return name;
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  throw new Error(`could not find the program '${name}': it is not installed; scripts/setup.sh installs it`);
}

/** The last lines of a log, for an error message. */
export async function tailLog(path: string, lines = 20): Promise<string> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return `--- end of ${path}\n${text.trimEnd().split('\n').slice(-lines).join('\n')}`;
}
