/** `eschedule console` against the agent's endpoint, with a guest's console that this process plays. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { endpointSection } from '@etcd-compute/agent/config/endpoint';
import { createEndpointServer, type EndpointServer } from '@etcd-compute/agent/endpoint/server';
import { openSnapshotFiles } from '@etcd-compute/agent/images/snapshots/snapshot-files';
import { connectInput } from '@etcd-compute/cloud/consoles/connect-endpoint';
import type { ConsoleEndpoint } from '@etcd-compute/common/etcd/messages/console-endpoint';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord, withState } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, newSessionUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseJson, PROGRAM, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';

const session = newSessionUuid();
let cloud: TestCloud;
let host: ProviderUuid;
let config: string;
let endpoint: EndpointServer;

/** A guest that says what it is told, in capitals. */
interface Guest {
  readonly instance: InstanceUuid;
  readonly logPath: string;
  typed: string;
  /** Consoles that were opened, the newest last. */
  readonly consoles: Duplex[];
  /** While false, it takes nothing. */
  takes: boolean;
}
const guests = new Map<InstanceUuid, Guest>();

const openGuest = (guest: Guest): Duplex => {
  const console = new Duplex({
    allowHalfOpen: false,
    read: () => undefined,
    write: (chunk: Buffer, _encoding, callback) => {
      if (!guest.takes) return;
      const text = chunk.toString('latin1');
      guest.typed += text;
      appendFileSync(guest.logPath, text.toUpperCase(), 'latin1');
      callback();
    },
  });
  guest.consoles.push(console);
  return console;
};

const addGuest = async (): Promise<Guest> => {
  const [instance, now] = [newInstanceUuid(), new Date()];
  const { keys, put } = cloud;
  const record = newRecord({ instance, host, name: null, resources: {}, image: null, reason: 'placed', now });
  await put(keys.report(host, instance), JSON.stringify(withState(record, 'active', { reason: 'it runs', now })));
  const location = newLocation({ instance, host, project: 'default', name: null, created_at: now.toISOString() });
  await put(keys.location(instance), JSON.stringify(location));
  const logPath = join(cloud.folder, `${instance}.log`);
  await writeFile(logPath, 'one\r\ntwo\r\nlogin: ');
  const guest: Guest = { instance, logPath, typed: '', consoles: [], takes: true };
  guests.set(instance, guest);
  return guest;
};

const startEndpoint = async (idle = 600): Promise<void> => {
  endpoint = createEndpointServer({
    settings: { ...endpointSection.parse({ listen: '127.0.0.1' }), idle },
    session,
    consolesDir: cloud.folder,
    snapshots: await openSnapshotFiles(join(cloud.folder, 'snapshots'), silentLogger()),
    imagesDir: cloud.folder,
    openInput: async ({ instance }) => {
      const guest = guests.get(instance);
      if (!guest) throw new Error('there is no such guest');
      return openGuest(guest);
    },
    openTunnel: async () => Promise.reject(new Error('no tunnels here')),
    log: silentLogger(),
  });
  await endpoint.listen();
  await cloud.put(cloud.keys.console(host), JSON.stringify(message()));
};

const message = (): ConsoleEndpoint => ({
  version: 1,
  host,
  session,
  addresses: ['127.0.0.1'],
  port: endpoint.port() ?? 0,
  key: endpoint.key,
});

beforeAll(async () => {
  cloud = await startCloud();
  host = await cloud.addHost({ name: 'here' });
  const presence = parseJson((await cloud.store.get(cloud.keys.agent(host)))?.value ?? '');
  await cloud.put(cloud.keys.agent(host), JSON.stringify(Object.assign({}, presence, { session })));
  config = await cloud.writeConfig();
  await startEndpoint();
});
afterAll(async () => {
  await endpoint.close();
  await cloud.stop();
});

interface Console extends AsyncDisposable {
  readonly child: ChildProcessWithoutNullStreams;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly code: Promise<number | null>;
  type(text: string): void;
  waitForText(text: string): Promise<void>;
}

const run = (command: string, args: readonly string[]): Console => {
  const child = spawn(command, args, { cwd: cloud.folder, stdio: ['pipe', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('latin1')));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  const code = once(child, 'close').then(() => child.exitCode);
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    code,
    type: (text) => child.stdin.write(text),
    waitForText: async (text) => {
      await waitFor(() => stdout.includes(text), { what: `'${text}'`, onTimeout: () => `${stdout}\n${stderr}` });
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await code;
    },
  };
};

const openConsole = ({ instance }: Guest, ...argv: string[]): Console =>
  run(process.execPath, [PROGRAM, 'console', instance, ...argv, '--config', config]);

/** At a terminal, which is looked at afterwards. */
const openAtTerminal = ({ instance }: Guest, ...argv: string[]): Console => {
  const words = [process.execPath, PROGRAM, 'console', instance, ...argv, '--config', config].map(
    (word) => `'${word}'`,
  );
  return run('script', ['-qec', `${words.join(' ')}; echo "code=$?"; stty -a`, '/dev/null']);
};

/** Its end, and whether the terminal is as before. */
const endOf = async (terminal: Console): Promise<{ code: string | undefined; isAsBefore: boolean }> => {
  await terminal.code;
  const said = terminal.stdout();
  return { code: /code=(\d+)/.exec(said)?.[1], isAsBefore: /[^-]icanon/.test(said) && /[^-]echo /.test(said) };
};

test('types what comes in, prints what the guest says from its last lines on, and goes on after the end of its input', async () => {
  const guest = await addGuest();
  await using writer = openConsole(guest, '--tail', '2');
  await writer.waitForText('two\r\nlogin: ');
  writer.type('ro');
  await writer.waitForText('login: RO');
  writer.child.stdin.end('ot\r');
  await writer.waitForText('login: ROOT\r');
  expect(writer.stdout()).not.toContain('one');
  await appendFile(guest.logPath, 'later');
  await writer.waitForText('later');
  writer.child.kill('SIGINT');
  expect(await writer.code).toBe(130);
  expect(guest.typed).toBe('root\r');
});

test('one person types at a time, and is named; --force takes over, and the other is told', async () => {
  const guest = await addGuest();
  await using first = openConsole(guest);
  await first.waitForText('login: ');
  await waitFor(() => guest.consoles.length === 1, { what: 'the first writer' });
  const refused = openConsole(guest);
  expect(await refused.code).toBe(1);
  expect(refused.stderr()).toMatch(/@\S+ types at the console of instance .* since /);
  expect(refused.stderr()).toContain('--force');
  await using second = openConsole(guest, '--force');
  expect(await first.code).toBe(1);
  expect(first.stderr()).toMatch(/@\S+ has taken over the console of instance/);
  await waitFor(() => guest.consoles.length === 2, { what: 'the second writer' });
  expect(guest.consoles[0]?.destroyed).toBe(true);
  second.type('hello');
  await second.waitForText('HELLO');
  expect(guest.typed).toBe('hello');
});

test('watchers see what the writer sees, byte for byte, and their keys go nowhere', async () => {
  const guest = await addGuest();
  await using writer = openConsole(guest);
  await using one = openConsole(guest, '--watch');
  await using other = openConsole(guest, '--watch', '--tail', '100');
  const all = [writer, one, other];
  for (const console of all) await console.waitForText('login: ');
  one.type('nothing');
  const much = Array.from({ length: 20_000 }, (_, index) => `line ${index}`).join('\r\n');
  // A reader that stops for a while holds nothing up and loses nothing.
  other.child.kill('SIGSTOP');
  writer.type(`${much}\r\nend of it`);
  await writer.waitForText('END OF IT');
  await one.waitForText('END OF IT');
  other.child.kill('SIGCONT');
  await other.waitForText('END OF IT');
  const log = await readFile(guest.logPath, 'latin1');
  for (const console of all) expect(console.stdout()).toBe(log);
  expect(guest.typed).toBe(`${much}\r\nend of it`);
});

test('a guest that takes nothing holds back who types, not the agent’s memory', async () => {
  const guest = await addGuest();
  guest.takes = false;
  const { signal } = new AbortController();
  const found = { ...message(), hostName: 'here' };
  const socket = await connectInput(found, { instance: guest.instance, by: 'me@here', isForced: false, signal });
  socket.on('error', () => undefined);
  const block = Buffer.alloc(1024 * 1024, 'x');
  for (let sent = 0; sent < 32; sent += 1) socket.write(block);
  const console = guest.consoles[0];
  await waitFor(() => (console?.writableLength ?? 0) > 0, { what: 'the first bytes' });
  expect(console?.writableNeedDrain).toBe(true);
  expect(console?.writableLength).toBeLessThan(256 * 1024);
  // What is not read of it stays with it.
  expect(socket.writableLength).toBeGreaterThan(8 * 1024 * 1024);
  socket.destroy();
  await waitFor(() => console?.destroyed, { what: 'the console to be given back' });
});

test('the end is told: the guest stops, nothing is typed, the agent goes', async () => {
  const guest = await addGuest();
  await using stopped = openConsole(guest);
  await stopped.waitForText('login: ');
  await waitFor(() => guest.consoles.length === 1, { what: 'the writer' });
  await appendFile(guest.logPath, 'Power down.\r\n');
  guest.consoles[0]?.push(null);
  expect(await stopped.code).toBe(1);
  expect(stopped.stdout()).toContain('Power down.');
  expect(stopped.stderr()).toContain(`the console of instance ${guest.instance} was closed`);

  await endpoint.close();
  await startEndpoint(2);
  await using idle = openConsole(guest);
  expect(await idle.code).toBe(1);
  expect(idle.stderr()).toContain('nothing was typed');

  await endpoint.close();
  await startEndpoint();
  await using orphan = openConsole(guest);
  await using watcher = openConsole(guest, '--watch');
  for (const console of [orphan, watcher]) await console.waitForText('login: ');
  await waitFor(() => guest.consoles.length === 3, { what: 'the writer' });
  await endpoint.close();
  expect(await orphan.code).toBe(1);
  expect(orphan.stderr()).toContain('the agent of host here closed the connection');
  // Who watches goes on when the agent is back.
  await appendFile(guest.logPath, 'meanwhile');
  await startEndpoint();
  await watcher.waitForText('meanwhile');
});

test('at a terminal every key but the escape key goes to the guest, and the terminal is as before at the end', async () => {
  const guest = await addGuest();
  await using left = openAtTerminal(guest);
  await left.waitForText('^] ends it');
  left.type('\u0003\u001a\u001cbye\u001d');
  expect(await endOf(left)).toEqual({ code: '0', isAsBefore: true });
  expect(guest.typed).toBe('\u0003\u001a\u001cbye');

  await using other = openAtTerminal(guest, '--escape', '^A', '--watch');
  await other.waitForText('^A ends it');
  other.type('not typed \u001d\u0001');
  expect(await endOf(other)).toEqual({ code: '0', isAsBefore: true });
  expect(guest.typed).toBe('\u0003\u001a\u001cbye');
});

test.each(['SIGHUP', 'SIGTERM', 'SIGQUIT', 'SIGINT'] as const)('the terminal is as before after %s', async (signal) => {
  const guest = await addGuest();
  await using terminal = openAtTerminal(guest);
  await terminal.waitForText('ends it');
  const child = await waitFor(async () => findProcess(guest.instance), { what: 'the process' });
  process.kill(child, signal);
  expect(await endOf(terminal)).toEqual({ code: '130', isAsBefore: true });
});

test('the terminal is as before when the agent goes', async () => {
  const guest = await addGuest();
  await using terminal = openAtTerminal(guest);
  await terminal.waitForText('ends it');
  await endpoint.close();
  expect(await endOf(terminal)).toEqual({ code: '1', isAsBefore: true });
  await startEndpoint();
});

/** The eschedule of an instance's console, below `script` and a shell. */
const findProcess = async (instance: InstanceUuid): Promise<number | undefined> => {
  for (const pid of (await readdir('/proc')).map(Number).filter(Number.isInteger)) {
    // A process may end meanwhile.
    const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (words[1] === PROGRAM && words[3] === instance) return pid;
  }
  return undefined;
};

test('what is wrong is said', async () => {
  const guest = await addGuest();
  const say = async (...argv: string[]): Promise<string> => {
    const console = openConsole(guest, ...argv);
    return `${await console.code} ${console.stderr()}`;
  };
  expect(await say('--escape', 'x')).toContain('2 eschedule: --escape x is no key');
  expect(await say('--watch', '--force')).toContain('--watch and --force do not go together');
  expect(await say('more')).toContain("console does not take 'more'");
  const unknown = newInstanceUuid();
  expect(await cloud.eschedule(['console', unknown])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`there is no instance '${unknown}'`),
  });
});
