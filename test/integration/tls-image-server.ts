import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { runCommand } from '@etcd-compute/testing/run-command';
import { rawImage } from './agent-world.js';

/** An https server with a certificate of an authority of its own, which keeps what it was told of who asks. */
export const startTls = async (folder: string, answer: { status: number; location?: string; host?: string }) => {
  const { host = '127.0.0.1' } = answer;
  const file = (name: string): string => join(folder, name);
  await runCommand([
    ...'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=images'.split(' '),
    ...`-addext subjectAltName=IP:${host} -keyout ${file('tls.key')} -out ${file('tls.pem')}`.split(' '),
  ]);
  const authorizations: (string | undefined)[] = [];
  const server = createTlsServer({ cert: await readFile(file('tls.pem')), key: await readFile(file('tls.key')) });
  server.on('request', (request, response) => {
    authorizations.push(request.headers.authorization);
    const { status, location } = answer;
    response.writeHead(status, location === undefined ? {} : { location }).end(status === 200 ? rawImage() : '');
  });
  const port = await listen(server, host);
  return {
    url: `https://${host}:${port}/image`,
    ca: file('tls.pem'),
    authorizations,
    [Symbol.asyncDispose]: async () => close(server),
  };
};

const sockets = new WeakMap<Server, Set<Socket>>();

export const listen = async (server: Server, host = '127.0.0.1'): Promise<number> => {
  const open = new Set<Socket>();
  sockets.set(server, open);
  server.on('connection', (socket: Socket) => open.add(socket));
  await new Promise<void>((resolve) => void server.listen(0, host, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

export const close = async (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    // Also those of CONNECT, which the server has given away.
    for (const socket of sockets.get(server) ?? []) socket.destroy();
  });
