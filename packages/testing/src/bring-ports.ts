import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startTcpProxy } from './tcp-proxy.js';
import { makeTempDir } from './temp-dir.js';

/** Listens at the first of each two arguments and passes on to the second: unix sockets, or ports of 127.0.0.1. */
const PASS_ON = `
const net = require('node:net');
const at = (text) => (text.startsWith('/') ? { path: text } : { port: Number(text), host: '127.0.0.1' });
const words = process.argv.slice(1);
let left = words.length / 2;
for (let index = 0; index < words.length; index += 2)
  net
    .createServer({ allowHalfOpen: true }, (client) => {
      const server = net.connect({ ...at(words[index + 1]), allowHalfOpen: true });
      for (const socket of [client, server]) socket.on('error', () => { client.destroy(); server.destroy(); });
      client.pipe(server).pipe(client);
    })
    .listen(at(words[index]), () => { left -= 1; if (left === 0) process.stdout.write('ready'); });
`;

export interface BroughtPorts extends AsyncDisposable {
  /** What goes before a command line to run it there. */
  readonly wrapper: readonly string[];
}

interface Network {
  readonly netnsPath: string;
}

const wrapperOf = ({ netnsPath }: Network): readonly string[] => ['nsenter', `--net=${netnsPath}`, '--'];

/** Makes servers of this machine's 127.0.0.1 reachable under the same ports in another network namespace: unix sockets cross. */
export async function bringPorts(ports: readonly number[], network: Network): Promise<BroughtPorts> {
  const dir = await makeTempDir('ports');
  const pathOf = (port: number): string => join(dir.path, String(port));
  const proxies = await Promise.all(
    ports.map(async (port) => startTcpProxy({ host: '127.0.0.1', port }, { path: pathOf(port) })),
  );
  const stop = await passOn(
    network,
    ports.map((port) => [String(port), pathOf(port)]),
  );
  return {
    wrapper: wrapperOf(network),
    [Symbol.asyncDispose]: async () => {
      await stop();
      await Promise.all(proxies.map(async (proxy) => proxy.stop()));
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** The other way round: makes what listens at 127.0.0.1 in that namespace, now or later, reachable under the same port here. */
export async function bringPortOut(network: Network): Promise<AsyncDisposable & { readonly port: number }> {
  const dir = await makeTempDir('port');
  const path = join(dir.path, 'out');
  const proxy = await startTcpProxy({ path });
  const stop = await passOn(network, [[path, String(proxy.port)]]);
  return {
    port: proxy.port,
    [Symbol.asyncDispose]: async () => {
      await proxy.stop();
      await stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}

const passOn = async (
  network: Network,
  ways: readonly (readonly [from: string, to: string])[],
): Promise<() => Promise<void>> => {
  const argv = [...wrapperOf(network), process.execPath, '-e', PASS_ON, ...ways.flat()];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', '--', ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  await Promise.race([
    once(child.stdout, 'data'),
    ended.then(() => {
      throw new Error('could not listen in the other network');
    }),
  ]);
  return async () => {
    child.kill('SIGKILL');
    await ended;
  };
};
