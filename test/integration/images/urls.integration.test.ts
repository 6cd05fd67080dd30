import { readFile, writeFile } from 'node:fs/promises';
import { createServer, request as sendRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { startImageFixture, unaborted } from '../fixtures/image-fixture.js';
import { close, listen, startTls } from '../fixtures/tls-image-server.js';

const refused = { code: 'ECOMPUTE_IMAGE_URL_REFUSED', retryable: false };

afterEach(() => vi.unstubAllEnvs());

describe('a server that may not be asked', () => {
  test('is not asked, by address or by name', async () => {
    await using fixture = await startImageFixture();
    const cache = await fixture.reopen(10_000, { allow_private: [] });
    const byName = fixture.url.replace('127.0.0.1', 'localhost');
    for (const url of [fixture.url, byName]) await expect(cache.fetch(url, unaborted())).rejects.toMatchObject(refused);
    expect(fixture.server.requests).toEqual([]);
    expect(await fixture.files()).toEqual([]);
    const named = await fixture.reopen(10_000, { allow_private: ['localhost'] });
    expect(await named.fetch(byName, unaborted())).toMatchObject({ format: 'raw' });
  });

  test('is not asked for another either: each hop is judged', async () => {
    await using fixture = await startImageFixture();
    const byName = fixture.url.replace('127.0.0.1', 'localhost');
    const targets = { address: 'http://169.254.169.254/latest/meta-data', name: byName, file: 'file:///etc/passwd' };
    await using redirecting = await startImageServer({}, { host: '127.0.0.2', redirects: targets });
    const cache = await fixture.reopen(10_000, { allow_private: ['127.0.0.2'] });
    for (const name of Object.keys(targets))
      await expect(cache.fetch(redirecting.url(name), unaborted())).rejects.toMatchObject(refused);
    expect(fixture.server.requests).toEqual([]);
    expect(await fixture.files()).toEqual([]);
  });

  test('leads nobody in a circle', async () => {
    await using fixture = await startImageFixture();
    const redirects: Record<string, string> = {};
    await using redirecting = await startImageServer({}, { redirects });
    redirects['round'] = redirecting.url('round');
    await expect(fixture.fetch(redirecting.url('round'))).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      message: expect.stringContaining('it redirects more than 5 times'),
      retryable: false,
    });
    expect(redirecting.requests).toHaveLength(6);
  });
});

describe('over https', () => {
  test('a server is believed when the config names its authority', async () => {
    await using fixture = await startImageFixture();
    await using dir = await makeTempDir('image-tls');
    await using server = await startTls(dir.path, { status: 200 });
    await expect(fixture.fetch(server.url)).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      message: expect.stringContaining('self-signed certificate'),
    });
    const cache = await fixture.reopen(10_000, { ca_cert: server.ca });
    expect(await cache.fetch(server.url, unaborted())).toMatchObject({ format: 'raw' });
  });

  test('it is told the password that is for it', async () => {
    await using fixture = await startImageFixture();
    await using dir = await makeTempDir('image-tls');
    await using server = await startTls(dir.path, { status: 200 });
    const netrc_file = join(dir.path, 'netrc');
    await runCommand(['sh', '-c', `echo machine 127.0.0.1 login me password s3cret > ${netrc_file}`]);
    const cache = await fixture.reopen(10_000, { ca_cert: server.ca, netrc_file });
    await cache.fetch(server.url, unaborted());
    expect(server.authorizations).toEqual([`Basic ${Buffer.from('me:s3cret').toString('base64')}`]);
  });

  test('another one, where it redirects to, is not told that password', async () => {
    await using fixture = await startImageFixture();
    await using dir = await makeTempDir('image-tls');
    await using otherDir = await makeTempDir('image-tls');
    await using other = await startTls(otherDir.path, { status: 200, host: '127.0.0.2' });
    await using server = await startTls(dir.path, { status: 302, location: other.url });
    const [netrc_file, ca_cert] = [join(dir.path, 'netrc'), join(dir.path, 'both.pem')];
    await writeFile(netrc_file, 'machine 127.0.0.1 login me password s3cret\n');
    await writeFile(ca_cert, (await readFile(server.ca, 'utf8')) + (await readFile(other.ca, 'utf8')));
    const cache = await fixture.reopen(10_000, { ca_cert, netrc_file, allow_private: ['127.0.0.0/8'] });
    await cache.fetch(server.url, unaborted());
    expect([server.authorizations.length, other.authorizations]).toEqual([1, [undefined]]);
    expect(server.authorizations[0]).toMatch(/^Basic /);
  });

  test('a redirect to plain http is refused', async () => {
    await using fixture = await startImageFixture();
    await using dir = await makeTempDir('image-tls');
    await using server = await startTls(dir.path, { status: 302, location: fixture.url });
    const cache = await fixture.reopen(10_000, { ca_cert: server.ca });
    await expect(cache.fetch(server.url, unaborted())).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining('it redirects from https to http://127.0.0.1'),
    });
    expect(fixture.server.requests).toEqual([]);
  });

  test('a file of the config that is not there stops the start', async () => {
    await using fixture = await startImageFixture();
    for (const key of ['ca_cert', 'netrc_file'])
      await expect(fixture.reopen(10_000, { [key]: '/nowhere' })).rejects.toMatchObject({
        code: 'ECOMPUTE_CONFIG_UNREADABLE',
        message: `could not read /nowhere, named by images.${key}`,
      });
  });
});

/** A forward proxy, which notes what it was asked for. */
const startProxy = async () => {
  const asked: string[] = [];
  const server = createServer((request: IncomingMessage, response) => {
    asked.push(`${request.method} ${request.url}`);
    const upstream = sendRequest(request.url ?? '', { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    upstream.end();
  });
  server.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    const [host = '', port] = (request.url ?? '').split(':');
    const upstream = connect({ host, port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(upstream).pipe(socket);
    });
    for (const end of [socket, upstream]) end.on('error', () => upstream.destroy(void socket.destroy()));
  });
  const port = await listen(server);
  return { url: `http://localhost:${port}`, asked, [Symbol.asyncDispose]: async () => close(server) };
};

describe('a proxy of the environment', () => {
  test('is asked, at whatever address it is; and what may not be asked is not asked through it', async () => {
    await using fixture = await startImageFixture();
    await using dir = await makeTempDir('image-tls');
    await using tls = await startTls(dir.path, { status: 200 });
    await using proxy = await startProxy();
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, proxy.url);
    for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, '');
    const cache = await fixture.reopen(10_000, { ca_cert: tls.ca });
    expect(await cache.fetch(fixture.url, unaborted())).toMatchObject({ format: 'raw' });
    expect(await cache.fetch(tls.url, unaborted())).toMatchObject({ format: 'raw' });
    expect(proxy.asked).toEqual([`GET ${fixture.url}`, `CONNECT ${new URL(tls.url).host}`]);
    const strict = await fixture.reopen(10_000, { allow_private: [] });
    await expect(strict.fetch(tls.url.replace('127.0.0.1', '127.0.0.9'), unaborted())).rejects.toMatchObject(refused);
    expect(proxy.asked).toHaveLength(2);
  });

  test('resolves names itself, so what a name leads to is for it to refuse; addresses in URLs are still judged here', async () => {
    await using fixture = await startImageFixture();
    await using proxy = await startProxy();
    vi.stubEnv('http_proxy', proxy.url.replace('localhost', '127.0.0.1'));
    for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, '');
    const strict = await fixture.reopen(10_000, { allow_private: [] });
    const byName = fixture.url.replace('127.0.0.1', 'localhost');
    expect(await strict.fetch(byName, unaborted())).toMatchObject({ format: 'raw' });
    await expect(strict.fetch(fixture.url, unaborted())).rejects.toMatchObject(refused);
    expect(proxy.asked).toEqual([`GET ${byName}`]);
  });

  test('is not asked for what no_proxy names, and then names are resolved and judged here', async () => {
    await using fixture = await startImageFixture();
    await using proxy = await startProxy();
    for (const name of ['http_proxy', 'https_proxy']) vi.stubEnv(name, proxy.url);
    for (const name of ['no_proxy', 'NO_PROXY']) vi.stubEnv(name, 'localhost,127.0.0.1');
    const byName = fixture.url.replace('127.0.0.1', 'localhost');
    expect(await fixture.fetch()).toMatchObject({ format: 'raw' });
    const strict = await fixture.reopen(10_000, { allow_private: [] });
    await expect(strict.fetch(byName, unaborted())).rejects.toMatchObject(refused);
    expect(proxy.asked).toEqual([]);
  });
});
