/** How a console's websocket treats clients and guests that are slow, gone or unwelcome: over real connections, with a guest played here. */
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { serveConsole, type ServeConsoleOptions } from '@etcd-compute/api/compute/servers/consoles/serve-console';
import { EcomputeError } from '@etcd-compute/common/errors';
import { silentLogger } from '@etcd-compute/common/log';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterEach, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';

type Attach = ServeConsoleOptions['attach'];

const servers: WebSocketServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

interface Pair {
  readonly client: WebSocket;
  readonly server: WebSocket;
  /** Resolves when the console is served to its end. */
  readonly served: Promise<void>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

const serve = async (attach: Attach, options: Partial<ServeConsoleOptions> = {}): Promise<Pair> => {
  const listening = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  servers.push(listening);
  await once(listening, 'listening');
  const address = listening.address();
  const connected = once(listening, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`);
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    client.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  const [server] = await connected;
  const served = serveConsole(server, {
    attach,
    isGood: () => true,
    signal: new AbortController().signal,
    log: silentLogger(),
    ...options,
  });
  if (client.readyState !== client.OPEN) await once(client, 'open');
  return { client, server, served, closed };
};

const untilAborted = async (signal: AbortSignal | undefined): Promise<never> =>
  new Promise((_resolve, reject) => {
    const end = (): void => reject(new DOMException('over', 'AbortError'));
    if (signal?.aborted) end();
    else signal?.addEventListener('abort', end);
  });

test('a client that is frozen makes the guest’s output wait, takes no memory, and is let go', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let written = 0;
  const attach: Attach = async ({ write, signal, onAttached }) => {
    onAttached?.();
    for (;;) {
      signal?.throwIfAborted();
      await write(chunk);
      written += chunk.length;
    }
  };
  const { client, server, served } = await serve(attach, { heartbeatMs: 1000 });
  client.pause();
  let before = -1;
  await waitFor(
    () => {
      const isStuck = written > 0 && written === before;
      before = written;
      return isStuck;
    },
    { what: 'the output to wait', intervalMs: 300 },
  );
  // What the kernel has taken is not ours.
  expect(server.bufferedAmount).toBeLessThan(2 * chunk.length);
  await served;
  expect(server.readyState).toBe(server.CLOSED);
  client.terminate();
});

test('a guest that takes nothing makes the client wait', async () => {
  const inputs: Readable[] = [];
  const { client, server, served } = await serve(async ({ input, signal }) => {
    inputs.push(input);
    await untilAborted(signal);
  });
  const block = Buffer.alloc(512 * 1024, 'x');
  for (let sent = 0; sent < 64; sent += 1) client.send(block);
  await waitFor(() => server.isPaused, { what: 'the server to read no more' });
  expect(inputs[0]?.readableLength).toBeLessThan(3 * block.length);
  expect(client.bufferedAmount).toBeGreaterThan(8 * 1024 * 1024);
  client.terminate();
  server.terminate();
  await served;
});

test('who answers stays, and who may no more is closed', async () => {
  let isGood = true;
  let beats = 0;
  const check = (): boolean => {
    beats += 1;
    return isGood;
  };
  const { closed, served, client } = await serve(async ({ signal }) => untilAborted(signal), {
    heartbeatMs: 100,
    isGood: check,
  });
  await waitFor(() => beats > 5, { what: 'some beats' });
  expect(client.readyState).toBe(client.OPEN);
  isGood = false;
  expect(await closed).toMatchObject({ code: 1008 });
  await served;
});

test.each([
  [new EcomputeError('ECOMPUTE_CONSOLE_CLOSED', 'it does not run'), 1000],
  [new EcomputeError('ECOMPUTE_CONSOLE_BUSY', 'ann@desk has taken it over'), 1000],
  [new EcomputeError('ECOMPUTE_HOST_DOWN', 'compute-3 is down', { retryable: true }), 1013],
  [new Error('a bug'), 1011],
])('%s: the client is told %i, and nothing of hosts and others', async (thrown, code) => {
  const { closed, served } = await serve(async () => Promise.reject(thrown));
  const told = await closed;
  expect(told).toMatchObject({ code, reason: expect.stringMatching(/^The console /) });
  expect(told.reason).not.toContain(thrown.message);
  await served;
});

test('a message that is too large, or no message, ends it', async () => {
  const { client, closed, served } = await serve(async ({ signal }) => untilAborted(signal));
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- beneath ws, to send what it would not
  (client as unknown as { readonly _socket: { readonly write: (bytes: Buffer) => void } })._socket.write(
    Buffer.alloc(64, 0xff),
  );
  expect(await closed).toMatchObject({ code: 1002 });
  await served;
});
