/** The agent that holds a snapshot, and the cache of another host that fetches it, on a network that breaks. */
import { text as readText } from 'node:stream/consumers';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endpointSection } from '@etcd-compute/agent/config/endpoint';
import { imagesSection } from '@etcd-compute/agent/config/images';
import { createEndpointServer, type EndpointServer } from '@etcd-compute/agent/endpoint/server';
import { ImageCache } from '@etcd-compute/agent/images/cache/cache';
import { connectAgent } from '@etcd-compute/common/endpoint/connect-agent';
import { snapshotIdentity, snapshotPath } from '@etcd-compute/common/endpoint/protocol';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { newInstanceUuid, newProviderUuid, newSessionUuid } from '@etcd-compute/common/ids';
import { silentLogger } from '@etcd-compute/common/log';
import { formatSnapshotImage } from '@etcd-compute/common/snapshot-image';
import { MIB } from '@etcd-compute/common/units';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomImage, RETRY } from '../fixtures/image-fixture.js';

/** Far more than what is on its way in the buffers of two connections. */
const SIZE = 48 * MIB;
const host = newProviderUuid();
const session = newSessionUuid();
const { signal } = new AbortController();
let dir: TempDir;
let holder: ImageCache;
let server: EndpointServer;
let proxy: TcpProxy;
/** From the agent, through the proxy. */
let passed = 0;
let onPassed = (): void => undefined;

const openCache = async (name: string): Promise<ImageCache> =>
  ImageCache.open(join(dir.path, name), {
    settings: imagesSection.parse({}),
    stallMs: 10_000,
    retry: RETRY,
    findEndpoint: async () => ({ version: 1, host, session, addresses: ['127.0.0.1'], port: proxy.port }),
    log: silentLogger(),
  });

beforeAll(async () => {
  dir = await makeTempDir('snapshot-server');
  holder = await openCache('holder');
  server = createEndpointServer({
    settings: endpointSection.parse({ listen: '127.0.0.1' }),
    session,
    consolesDir: dir.path,
    snapshots: holder.snapshots,
    imagesDir: holder.folder,
    openInput: async () => Promise.reject(new Error('no consoles here')),
    openTunnel: async () => {
      throw new Error('nobody asks for a tunnel');
    },
    log: silentLogger(),
  });
  await server.listen();
  proxy = await startTcpProxy(
    { host: '127.0.0.1', port: server.port() ?? 0 },
    {
      filter: (direction, pass) => (bytes) => {
        pass(bytes);
        if (direction === 'up') return;
        passed += bytes.length;
        onPassed();
      },
    },
  );
});
beforeEach(() => {
  passed = 0;
  onPassed = () => undefined;
});
afterAll(async () => {
  await proxy.stop();
  await server.close();
  await dir[Symbol.asyncDispose]();
});

const keep = async (name: string): Promise<Snapshot> => {
  const path = join(holder.folder, `${name}.part`);
  await writeFile(path, randomImage(SIZE));
  const facts = { project: 'default', name, host, instance: newInstanceUuid(), count: 1, is_consistent: true };
  return holder.addSnapshot(path, facts, signal);
};

const fetchInto = async (cache: ImageCache, snapshot: Snapshot, stop = signal) =>
  cache.fetch(formatSnapshotImage(snapshot), { from: snapshot, signal: stop });

test('a download that breaks goes on where it broke', async () => {
  const snapshot = await keep('broken');
  onPassed = () => {
    if (passed < SIZE / 2) return;
    onPassed = () => undefined;
    proxy.cutAll();
  };
  const { path, sha256 } = await fetchInto(await openCache('other'), snapshot);
  expect(sha256).toBe(snapshot.sha256);
  expect((await readFile(path)).equals(await readFile(join(holder.folder, `${sha256}.img`)))).toBe(true);
  expect(proxy.acceptedConnections).toBe(2);
  // All of it again would be half as much more.
  expect(passed).toBeLessThan(SIZE * 1.4);
});

test('what an agent that stops has fetched, the next one goes on with; meanwhile the snapshot is in use', async () => {
  const snapshot = await keep('taken-up');
  const first = await openCache('restarted');
  const stop = new AbortController();
  onPassed = () => {
    if (passed >= SIZE / 2) proxy.stall('down');
  };
  const cut = fetchInto(first, snapshot, stop.signal).catch((err: unknown) => err);
  await waitFor(() => passed >= SIZE / 2, { what: 'half of it' });
  expect(holder.snapshots.isUsed(snapshot.id)).toBe(true);
  const closed = first.close();
  stop.abort();
  await Promise.all([cut, closed]);
  onPassed = () => undefined;
  proxy.cutAll();
  proxy.resume();
  const before = passed;
  await fetchInto(await openCache('restarted'), snapshot);
  expect(passed - before).toBeLessThan(SIZE * 0.9);
  await waitFor(() => !holder.snapshots.isUsed(snapshot.id), { what: 'nobody to fetch it' });
});

describe('a key', () => {
  const ask = async (path: string, { identity, key }: { identity: string; key: string }): Promise<IncomingMessage> => {
    const access = { addresses: ['127.0.0.1'], port: server.port() ?? 0, hostName: 'holder', identity, key };
    const socket = await connectAgent(access, signal);
    return new Promise((resolve, reject) => {
      httpRequest({ createConnection: () => socket, path, headers: { host: 'ecompute' } })
        .once('response', resolve)
        .once('error', reject)
        .end();
    });
  };

  test('of a snapshot opens that one and nothing else; that of the session opens no snapshot', async () => {
    const [one, other] = [await keep('one'), await keep('another')];
    const own = { identity: snapshotIdentity(one.id), key: one.key };
    const refused = async (path: string, access: { identity: string; key: string }): Promise<void> => {
      const response = await ask(path, access);
      expect(response.statusCode).toBe(403);
      expect(JSON.parse(await readText(response))).toMatchObject({ code: 'ECOMPUTE_ENDPOINT_REFUSED' });
    };
    await refused(snapshotPath(other.id), own);
    await refused(`/instances/${newInstanceUuid()}/console`, own);
    await refused(snapshotPath(one.id), { identity: session, key: server.key });
    const response = await ask(snapshotPath(one.id), own);
    expect(response).toMatchObject({ statusCode: 200, headers: { 'content-length': String(SIZE) } });
    response.destroy();
  });

  test('that is wrong, or of a snapshot that is gone, opens nothing', async () => {
    const gone = await keep('gone');
    const access = { identity: snapshotIdentity(gone.id), key: gone.key };
    const refused = { code: 'ECOMPUTE_ENDPOINT_REFUSED' };
    await expect(ask(snapshotPath(gone.id), { ...access, key: server.key })).rejects.toMatchObject(refused);
    await holder.snapshots.remove(gone);
    await expect(ask(snapshotPath(gone.id), access)).rejects.toMatchObject(refused);
    await expect(fetchInto(await openCache('late'), gone)).rejects.toMatchObject({
      code: 'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
      hint: expect.stringContaining('removed'),
    });
  });
});
