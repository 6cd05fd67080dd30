import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { open, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { PlacementServer } from '@etcd-compute/testing/placement-server';
import type { TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';

/** What tests of the program share. */

const PROGRAM = new URL('../../bin/eplacement.js', import.meta.url).pathname;

/** `eplacement` until it ends by itself. */
export const run = async (...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('EPLACEMENT_')));
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code]: (number | null)[] = await once(child, 'close');
  return { code: code ?? null, stdout, stderr };
};

export const writeConfig = async ({ path }: TempDir, config: object): Promise<string> => {
  const configPath = join(path, `${randomUUID()}.yaml`);
  await writeFile(configPath, JSON.stringify(config, undefined, 1));
  return configPath;
};

/** A server that need not become ready, and is its starter's to end. It dies with this process. */
export const startProcess = async (dir: TempDir, config: object): Promise<{ child: ChildProcess; logPath: string }> => {
  const path = await writeConfig(dir, { ...config, log: { format: 'json' } });
  const logPath = `${path}.log`;
  const log = await open(logPath, 'w');
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', PROGRAM, '--config', path], {
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  return { child, logPath };
};

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks as a client does that knows the newest version. */
export const ask = async (
  { endpoint }: Pick<PlacementServer, 'endpoint'>,
  path: string,
  { method = 'GET', body, token = 'admin', headers = {} }: Asked = {},
): Promise<{ status: number; text: string; headers: Headers }> => {
  const response = await fetch(endpoint + path, {
    method,
    headers: {
      'openstack-api-version': 'placement 1.39',
      ...(token !== '' && { 'x-auth-token': token }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
};

export interface LogLine {
  readonly msg: string;
  readonly level?: string;
  readonly [field: string]: unknown;
}

export const readLog = async (path: string): Promise<LogLine[]> =>
  (await readFile(path, 'utf8').catch(() => '')).split('\n').filter(Boolean).map(parseLine);

/** The first line with this message, now or later. */
export const waitForLine = async (path: string, msg: string): Promise<LogLine> =>
  waitFor(async () => (await readLog(path)).find((line) => line.msg === msg), { what: `${path} to say '${msg}'` });

const parseLine = (line: string): LogLine => {
  try {
    const parsed: LogLine = JSON.parse(line);
    return parsed;
  } catch {
    return { msg: line };
  }
};

/** A request of which all but the end of its body has arrived. */
export interface HalfRequest {
  readonly socket: Socket;
  /** What the server has answered so far. */
  readonly reply: () => string;
  /** Sends the rest. */
  readonly finish: () => void;
}

export const sendHalf = async (port: number): Promise<HalfRequest> => {
  const body = JSON.stringify({ name: 'late' });
  const socket = connect(port, '127.0.0.1');
  let reply = '';
  socket.on('data', (chunk) => (reply += String(chunk)));
  socket.on('error', () => undefined);
  const head = [
    'POST /resource_providers HTTP/1.1',
    'host: here',
    'x-auth-token: admin',
    'content-type: application/json',
    `content-length: ${body.length}`,
    // So the server says when it has read this.
    'expect: 100-continue',
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`);
  await waitFor(() => reply.startsWith('HTTP/1.1 100 Continue\r\n\r\n'), { what: 'the server to read the head' });
  return {
    socket,
    reply: () => reply.slice(reply.indexOf('\r\n\r\n') + 4),
    finish: () => void socket.write(body.slice(5)),
  };
};
