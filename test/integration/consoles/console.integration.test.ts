/** `eschedule console` against the agent's endpoint, with a guest's console that this process plays. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, readdir, readFile } from 'node:fs/promises';
import { connectInput } from '@etcd-compute/cloud/consoles/connect-endpoint';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PROGRAM, startCloud, type TestCloud } from '../fixtures/eschedule-fixture.js';
import { playConsoles, type Guest, type PlayedConsoles } from '../fixtures/played-consoles.js';

let cloud: TestCloud;
let config: string;
let played: PlayedConsoles;

beforeAll(async () => {
  cloud = await startCloud();
  played = await playConsoles(cloud);
  config = await cloud.writeConfig();
});
afterAll(async () => {
  await played.stopEndpoint();
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
  const guest = await played.addGuest();
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
  const guest = await played.addGuest();
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
  const guest = await played.addGuest();
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
  const guest = await played.addGuest();
  guest.takes = false;
  const { signal } = new AbortController();
  const found = { ...played.message(), hostName: 'here' };
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
  const guest = await played.addGuest();
  await using stopped = openConsole(guest);
  await stopped.waitForText('login: ');
  await waitFor(() => guest.consoles.length === 1, { what: 'the writer' });
  await appendFile(guest.logPath, 'Power down.\r\n');
  guest.consoles[0]?.push(null);
  expect(await stopped.code).toBe(1);
  expect(stopped.stdout()).toContain('Power down.');
  expect(stopped.stderr()).toContain(`the console of instance ${guest.instance} was closed`);

  await played.stopEndpoint();
  await played.startEndpoint(2);
  await using idle = openConsole(guest);
  expect(await idle.code).toBe(1);
  expect(idle.stderr()).toContain('nothing was typed');

  await played.stopEndpoint();
  await played.startEndpoint();
  await using orphan = openConsole(guest);
  await using watcher = openConsole(guest, '--watch');
  for (const console of [orphan, watcher]) await console.waitForText('login: ');
  await waitFor(() => guest.consoles.length === 3, { what: 'the writer' });
  await played.stopEndpoint();
  expect(await orphan.code).toBe(1);
  expect(orphan.stderr()).toContain('the agent of host here closed the connection');
  // Who watches goes on when the agent is back.
  await appendFile(guest.logPath, 'meanwhile');
  await played.startEndpoint();
  await watcher.waitForText('meanwhile');
});

test('at a terminal every key but the escape key goes to the guest, and the terminal is as before at the end', async () => {
  const guest = await played.addGuest();
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
  const guest = await played.addGuest();
  await using terminal = openAtTerminal(guest);
  await terminal.waitForText('ends it');
  const child = await waitFor(async () => findProcess(guest.instance), { what: 'the process' });
  process.kill(child, signal);
  expect(await endOf(terminal)).toEqual({ code: '130', isAsBefore: true });
});

test('the terminal is as before when the agent goes', async () => {
  const guest = await played.addGuest();
  await using terminal = openAtTerminal(guest);
  await terminal.waitForText('ends it');
  await played.stopEndpoint();
  expect(await endOf(terminal)).toEqual({ code: '1', isAsBefore: true });
  await played.startEndpoint();
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
  const guest = await played.addGuest();
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
