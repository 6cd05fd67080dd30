import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { createApp, type App } from '@etcd-compute/api/http/app';
import { HttpError } from '@etcd-compute/api/http/http-error';
import { PUBLIC } from '@etcd-compute/api/http/route';
import type { Served } from '@etcd-compute/api/http/served';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';

/** Websockets of an app, and what else asks for an upgrade, with TLS and without. */
let dir: TempDir;
let tls: { cert: string; key: string };
beforeAll(async () => {
  dir = await makeTempDir('sockets');
  const file = (name: string): string => join(dir.path, name);
  const certificate = `-subj /CN=x -keyout ${file('tls.key')} -out ${file('tls.pem')}`;
  await runCommand(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 ${certificate}`.split(' '),
  );
  tls = { cert: await readFile(file('tls.pem'), 'utf8'), key: await readFile(file('tls.key'), 'utf8') };
});
afterAll(async () => dir[Symbol.asyncDispose]());

describe.each([true, false])('TLS: %s', (hasTls) => {
  const log: Served[] = [];
  let app: App;
  let port: number;

  beforeAll(async () => {
    app = createApp({
      services: [
        {
          name: 'test',
          path: '/test',
          rules: {},
          routes: [
            {
              method: 'POST',
              path: '/say',
              rule: PUBLIC,
              body: z.object({ word: z.string() }),
              handle: ({ body }) => ({ status: 200, body }),
            },
          ],
          sockets: [
            {
              path: '/echo',
              protocols: [],
              limit: 5,
              open: async ({ query }) => {
                if (query.get('token') !== 'good') throw new HttpError(401, 'no');
                return async (socket) => {
                  socket.on('message', (data) => socket.send(data));
                  await once(socket, 'close');
                };
              },
            },
          ],
          renderError: ({ message }) => ({ message }),
        },
      ],
      authenticate: async () => undefined,
      config: { maxBodyBytes: 100_000, timeoutMs: 30_000, ...(hasTls && { tls }) },
      onServed: (served) => log.push(served),
    });
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    port = typeof address === 'object' && address ? address.port : 0;
  });
  afterAll(async () => app.close());

  const connect = (token: string): WebSocket =>
    new WebSocket(`${hasTls ? 'wss' : 'ws'}://127.0.0.1:${port}/test/echo?token=${token}`, {
      rejectUnauthorized: false,
    });

  test('a websocket is opened, refused, and logged without its token', async () => {
    const socket = connect('good');
    await once(socket, 'open');
    socket.send('hello');
    const [data] = await once(socket, 'message');
    expect(String(data)).toBe('hello');
    const refused = connect('bad');
    const [error] = await once(refused, 'error');
    expect(String(error)).toContain('401');
    socket.close();
    await once(socket, 'close');
    expect(log.map(({ url, answer }) => `${answer?.status} ${url}`)).toEqual([
      '101 /test/echo?token=hidden',
      '401 /test/echo?token=hidden',
    ]);
  });

  test('who asks for another upgrade is served, body and all, and may go on with the connection', async () => {
    const body = JSON.stringify({ word: 'x'.repeat(50_000) });
    const sent = (hasTls ? httpsRequest : httpRequest)({
      port,
      host: '127.0.0.1',
      path: '/test/say',
      method: 'POST',
      rejectUnauthorized: false,
      headers: {
        connection: 'Upgrade, HTTP2-Settings',
        upgrade: 'h2c',
        'http2-settings': 'AAEAAEAAAAIAAAAA',
        'content-length': body.length,
      },
    });
    sent.end(body);
    const [response] = await once(sent, 'response');
    expect(response.statusCode).toBe(200);
    expect(await readText(response)).toBe(body);
    expect(response.headers.connection).toBe('keep-alive');
  });
});
