import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { startHttpProxy } from '@etcd-compute/testing/http-proxy';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { expect, test } from 'vitest';

const listen = async (server: Server | HttpServer): Promise<{ host: string; port: number }> => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
};

/** Says back what it hears, and keeps count. */
const startEcho = async (): Promise<{
  address: { host: string; port: number };
  open: Set<Socket>;
  close: () => void;
}> => {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket)).on('error', () => undefined);
    socket.pipe(socket);
  });
  return { address: await listen(server), open, close: () => server.close() };
};

test('tcp proxy: half open, the server sees the end, the client nothing; new connections work', async () => {
  const echo = await startEcho();
  await using proxy = await startTcpProxy(echo.address);
  const client = connect(proxy.port, proxy.host);
  let heard = '';
  let isClosed = false;
  client.on('data', (chunk) => (heard += String(chunk))).on('close', () => (isClosed = true));
  client.write('before');
  await waitFor(() => heard === 'before', { what: 'the echo' });
  proxy.halfOpen();
  await waitFor(() => echo.open.size === 0, { what: 'the server to see the end' });
  client.write('after');

  const second = connect(proxy.port, proxy.host);
  second.write('new');
  expect(String((await once(second, 'data'))[0])).toBe('new');
  expect({ heard, isClosed }).toEqual({ heard: 'before', isClosed: false });
  client.destroy();
  second.destroy();
  echo.close();
});

test('tcp proxy: redirected, new connections lead elsewhere, and open ones stay', async () => {
  const [one, other] = [await startEcho(), await startEcho()];
  await using proxy = await startTcpProxy(one.address);
  const say = async (client: Socket, word: string): Promise<string> => {
    client.write(word);
    return String((await once(client, 'data'))[0]);
  };
  const before = connect(proxy.port, proxy.host);
  expect(await say(before, 'first')).toBe('first');
  proxy.redirect(other.address);
  const after = connect(proxy.port, proxy.host);
  expect([await say(before, 'second'), await say(after, 'third')]).toEqual(['second', 'third']);
  expect({ one: one.open.size, other: other.open.size }).toEqual({ one: 1, other: 1 });
  for (const client of [before, after]) client.destroy();
  one.close();
  other.close();
});

test('http proxy: answers in the place of the server, which hears of it only when its reply is to be lost', async () => {
  const heard: string[] = [];
  const server = createHttpServer((request, response) => {
    heard.push(`${request.method} ${request.url}`);
    response.end('real');
  });
  await using proxy = await startHttpProxy(await listen(server));
  const ask = async (method: string): Promise<string> => {
    const response = await fetch(`${proxy.endpoint}/x`, { method });
    return `${response.status} ${await response.text()}`;
  };
  expect(await ask('GET')).toBe('200 real');
  proxy.setFault({ kind: 'status', status: 409, body: 'no', writesOnly: true });
  expect([await ask('GET'), await ask('PUT')]).toEqual(['200 real', '409 no']);
  expect(heard).toEqual(['GET /x', 'GET /x']);
  proxy.setFault({ kind: 'reply-lost' });
  await expect(ask('PUT')).rejects.toThrow('fetch failed');
  expect(heard.at(-1)).toBe('PUT /x');
  proxy.setFault(undefined);
  expect(await ask('PUT')).toBe('200 real');
  expect(proxy.hits).toBe(2);
  server.closeAllConnections();
  server.close();
});
