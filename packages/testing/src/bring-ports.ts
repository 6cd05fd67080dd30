import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startTcpProxy } from './tcp-proxy.js';
import { makeTempDir } from './temp-dir.js';

/** Listens on 127.0.0.1 for each port given as an argument, and passes on to the unix socket of that name in the folder. */
const LISTEN = `
const net = require('node:net');
const [folder, ...ports] = process.argv.slice(1);
let left = ports.length;
for (const port of ports)
  net
    .createServer((client) => {
      const server = net.connect(folder + '/' + port);
      for (const socket of [client, server]) socket.on('error', () => { client.destroy(); server.destroy(); });
      client.pipe(server).pipe(client);
    })
    .listen(Number(port), '127.0.0.1', () => { left -= 1; if (left === 0) process.stdout.write('ready'); });
`;

export interface BroughtPorts extends AsyncDisposable {
  /** What goes before a command line to run it there. */
  readonly wrapper: readonly string[];
}

/** Makes servers of this machine's 127.0.0.1 reachable under the same ports in another network namespace: unix sockets cross. */
export async function bringPorts(
  ports: readonly number[],
  { netnsPath }: { readonly netnsPath: string },
): Promise<BroughtPorts> {
  const wrapper = ['nsenter', `--net=${netnsPath}`, '--'];
  const dir = await makeTempDir('ports');
  const proxies = await Promise.all(
    ports.map(async (port) => startTcpProxy({ host: '127.0.0.1', port }, { path: join(dir.path, String(port)) })),
  );
  const argv = [...wrapper, process.execPath, '-e', LISTEN, dir.path, ...ports.map(String)];
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
  return {
    wrapper,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
      await Promise.all(proxies.map(async (proxy) => proxy.stop()));
      await dir[Symbol.asyncDispose]();
    },
  };
}
