import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { etcdSection } from '@etcd-compute/common/config/sections';
import { openStore, type Store } from '@etcd-compute/common/etcd/store';
import { startEtcd, type EtcdServer } from '@etcd-compute/testing/etcd-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The store over TLS with client certificates: a proxy that demands them stands before a plain etcd. */
let dir: TempDir;
let etcd: EtcdServer;
let port: number;
let stopProxy: () => Promise<void>;
const file = (name: string): string => join(dir.path, name);

/** A certificate that vouches for itself, for 127.0.0.1. */
const makeCertificate = async (name: string): Promise<void> => {
  await runCommand(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=${name} -addext subjectAltName=IP:127.0.0.1 -keyout ${file(`${name}.key`)} -out ${file(`${name}.pem`)}`.split(
      ' ',
    ),
  );
};

beforeAll(async () => {
  dir = await makeTempDir('etcd-tls');
  etcd = await startEtcd();
  for (const name of ['server', 'client', 'stranger']) await makeCertificate(name);
  const sockets = new Set<TLSSocket>();
  const server = createServer(
    {
      cert: await readFile(file('server.pem')),
      key: await readFile(file('server.key')),
      ca: await readFile(file('client.pem')),
      requestCert: true,
      rejectUnauthorized: true,
      ALPNProtocols: ['h2'],
    },
    (socket) => {
      sockets.add(socket);
      const upstream = connect({ host: etcd.host, port: etcd.port });
      socket.pipe(upstream).pipe(socket);
      for (const end of [socket, upstream]) end.on('error', () => upstream.destroy(void socket.destroy()));
    },
  ).listen(0, '127.0.0.1');
  server.on('tlsClientError', () => undefined); // those who are not let in
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  stopProxy = async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
});
afterAll(async () => {
  await stopProxy();
  await etcd.stop();
  await dir[Symbol.asyncDispose]();
});

const open = async (tls: Record<string, string>): Promise<Store> =>
  openStore(etcdSection.parse({ host: '127.0.0.1', port, timeout: 2, ...tls }));

test('with the authority’s and a client’s certificate: everything works, the watch too', async () => {
  await using store = await open({
    ca_cert: file('server.pem'),
    cert_cert: file('client.pem'),
    cert_key: file('client.key'),
  });
  expect(store.endpoints).toBe(`https://127.0.0.1:${port}`);
  const changed = new Promise((resolve) => {
    const stop = store.watch({ prefix: '/tls/' }, '1', { onChange: (keys) => resolve([keys, stop()]), onEnd: resolve });
  });
  const { isCommitted } = await store.txn(
    [{ key: '/tls/a', modRevision: '0' }],
    [{ op: 'put', key: '/tls/a', value: '1' }],
  );
  expect(isCommitted).toBe(true);
  expect(await changed).toEqual([['/tls/a'], undefined]);
  expect((await store.get('/tls/a'))?.value).toBe('1');
});

test.each([
  ['a server that another authority signed', { ca_cert: 'stranger', cert: 'client' }],
  ['a client certificate that the server does not know', { ca_cert: 'server', cert: 'stranger' }],
])('%s: unreachable, with the reason', async (_what, { ca_cert, cert }) => {
  await using store = await open({
    ca_cert: file(`${ca_cert}.pem`),
    cert_cert: file(`${cert}.pem`),
    cert_key: file(`${cert}.key`),
  });
  await expect(store.get('/tls/a')).rejects.toMatchObject({ code: 'ECOMPUTE_ETCD_UNREACHABLE' });
});

test('a plain connection to it: unreachable, not hanging', async () => {
  await using store = await open({});
  await expect(store.get('/tls/a')).rejects.toMatchObject({ code: 'ECOMPUTE_ETCD_UNREACHABLE' });
});

test('a certificate that is missing is named with its key', async () => {
  await expect(open({ ca_cert: '/no/such.pem' })).rejects.toMatchObject({
    code: 'ECOMPUTE_CONFIG_UNREADABLE',
    message: 'could not read /no/such.pem, named by etcd.ca_cert',
  });
});
