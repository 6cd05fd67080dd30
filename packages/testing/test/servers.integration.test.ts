import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { identifyProcess, isAlive } from '@etcd-compute/testing/process-identity';
import type { ProcessIdentity } from '@etcd-compute/testing/process-identity';
import { reserve } from '@etcd-compute/testing/reserve';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { describe, expect, test } from 'vitest';

async function putKey(endpoint: string, key: string, value: string): Promise<void> {
  const body = JSON.stringify({ key: btoa(key), value: btoa(value) });
  const response = await fetch(`${endpoint}/v3/kv/put`, { method: 'POST', body });
  expect(response.status).toBe(200);
}

async function getKey(endpoint: string, key: string): Promise<string | undefined> {
  const response = await fetch(`${endpoint}/v3/kv/range`, { method: 'POST', body: JSON.stringify({ key: btoa(key) }) });
  const reply: { kvs?: { value: string }[] } = JSON.parse(await response.text());
  const [first] = reply.kvs ?? [];
  return first && atob(first.value);
}

interface CallOptions {
  readonly method?: string;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

/** One request on the agent's connection; tells whether that connection had been used before. */
async function call(agent: Agent, url: string, { method = 'GET', body, signal }: CallOptions = {}) {
  const headers = {
    'x-auth-token': 'admin',
    'openstack-api-version': 'placement 1.39',
    'content-type': 'application/json',
  };
  const sent = request(url, { agent, headers, method, ...(signal && { signal }) });
  sent.end(body === undefined ? undefined : JSON.stringify(body));
  const [response]: IncomingMessage[] = await once(sent, 'response');
  response?.resume();
  if (response) await once(response, 'end');
  return { status: response?.statusCode, isReused: sent.reusedSocket };
}

describe('etcd fixture', () => {
  test('keeps its data and its port through SIGKILL and restart', async () => {
    await using etcd = await startEtcd();
    await putKey(etcd.endpoint, '/a', 'kept');
    const firstPid = etcd.pid;
    await etcd.kill('SIGKILL');
    await expect(fetch(`${etcd.endpoint}/health`)).rejects.toThrow('fetch failed');
    await etcd.restart();
    expect(etcd.pid).not.toBe(firstPid);
    expect(await getKey(etcd.endpoint, '/a')).toBe('kept');
  });

  test('says what is wrong, with its log, when etcd cannot start', async () => {
    await using dir = await makeTempDir('fixtures');
    await writeFile(join(dir.path, 'member'), 'not a folder');
    await expect(startEtcd({ dataDir: dir.path, log: join(dir.path, 'etcd.log') })).rejects.toThrow(
      /could not start etcd: it ended at once\n--- end of .*etcd.log\n[^]*member/,
    );
  });

  test('dies with the process that started it, even when that one gets SIGKILL', async () => {
    await using dir = await makeTempDir('fixtures');
    const program = `
      import { startEtcd } from '@etcd-compute/testing/etcd-server';
      const etcd = await startEtcd({ dataDir: ${JSON.stringify(join(dir.path, 'etcd'))} });
      console.log(etcd.pid);
      setInterval(() => undefined, 1000);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let etcd: ProcessIdentity | undefined;
    let pid: number;
    try {
      const [line]: unknown[] = await once(parent.stdout, 'data');
      pid = Number(String(line));
      etcd = await identifyProcess(pid);
      expect(etcd).toBeDefined();
    } finally {
      parent.kill('SIGKILL');
    }
    await waitFor(async () => etcd && !(await isAlive(etcd)), { what: `etcd (pid ${pid}) to die with its parent` });
  });
});

describe('process identity', () => {
  test('a process whose first thread has ended is alive while another one is, for its files are open', async () => {
    const program = [
      'import ctypes, threading, time',
      'threading.Thread(target=time.sleep, args=(1000,)).start()',
      'ctypes.CDLL(None).pthread_exit(None)',
    ].join('\n');
    const child = spawn('python3', ['-c', program], { stdio: 'ignore' });
    try {
      const pid = Number(child.pid);
      const state = async (): Promise<boolean> => / Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8'));
      await waitFor(state, { what: 'its first thread to end' });
      expect(await identifyProcess(pid)).toBeDefined();
    } finally {
      child.kill('SIGKILL');
    }
  });
});

describe('Placement fixture', () => {
  test('answers 300 requests on one kept-alive connection, writes among them, without a reset', async () => {
    await using placement = await startPlacement();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const provider = crypto.randomUUID();
    const providerUrl = `${placement.endpoint}/resource_providers`;
    const statuses = new Map<number | undefined, number>();
    let reused = 0;
    for (let round = 0; round < 100; round += 1) {
      const replies = [
        await call(agent, providerUrl, { method: 'POST', body: { name: provider, uuid: provider } }),
        await call(agent, `${providerUrl}?name=${provider}`),
        await call(agent, `${providerUrl}/${provider}`, { method: 'DELETE' }),
      ];
      for (const { status, isReused } of replies) {
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        if (isReused) reused += 1;
      }
    }
    agent.destroy();
    expect(Object.fromEntries(statuses)).toEqual({ 200: 200, 204: 100 });
    expect(reused).toBe(299);
  });

  test('keeps its data through SIGKILL and restart, and no worker outlives it', async () => {
    await using placement = await startPlacement();
    const agent = new Agent();
    const provider = crypto.randomUUID();
    await call(agent, `${placement.endpoint}/resource_providers`, {
      method: 'POST',
      body: { name: provider, uuid: provider },
    });
    await placement.kill('SIGKILL');
    await expect(call(agent, placement.endpoint)).rejects.toThrow('ECONNREFUSED');
    await placement.restart();
    expect((await call(agent, `${placement.endpoint}/resource_providers/${provider}`)).status).toBe(200);
  });
});

describe('TCP proxy fixture', () => {
  test('cuts, stalls and refuses connections, and then lets them through again', async () => {
    await using etcd = await startEtcd();
    await using proxy = await startTcpProxy(etcd);
    const agent = new Agent();
    const health = `${proxy.endpoint}/health`;

    const idle = connect(proxy.port, proxy.host);
    await once(idle, 'connect');
    const cut = once(idle, 'error');
    await waitFor(() => proxy.openConnections > 0, { what: 'the proxy to see the connection' });
    proxy.cutAll();
    expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);

    proxy.stall('down');
    await expect(call(agent, health, { signal: AbortSignal.timeout(200) })).rejects.toThrow('abort');
    const held = call(agent, health);
    proxy.resume();
    expect((await held).status).toBe(200);

    await proxy.refuse(true);
    await expect(call(agent, health)).rejects.toThrow('ECONNREFUSED');
    await proxy.refuse(false);
    expect((await call(agent, health)).status).toBe(200);
  });
});

describe('image server fixture', () => {
  test('serves ranges and validators, and breaks in the ways it is told to', async () => {
    await using dir = await makeTempDir('fixtures');
    const path = join(dir.path, 'image');
    await writeFile(path, '0123456789'.repeat(50_000));
    await using server = await startImageServer({ image: path });
    const url = server.url('image');

    const whole = await fetch(url);
    const etag = whole.headers.get('etag') ?? '';
    expect(await whole.text()).toBe(await readFile(path, 'utf8'));
    const rest = await fetch(url, { headers: { range: 'bytes=499995-', 'if-range': etag } });
    expect([rest.status, await rest.text()]).toEqual([206, '56789']);
    const stale = await fetch(url, { headers: { range: 'bytes=499995-', 'if-range': '"other"' } });
    expect([stale.status, (await stale.text()).length]).toEqual([200, 500_000]);
    expect((await fetch(url, { headers: { 'if-none-match': etag } })).status).toBe(304);
    expect((await fetch(url, { headers: { range: 'bytes=500000-' } })).status).toBe(416);
    expect((await fetch(server.url('other'))).status).toBe(404);
    expect((await fetch(url, { method: 'HEAD' })).headers.get('content-length')).toBe('500000');

    server.setFault('image', '500', 1);
    expect((await fetch(url)).status).toBe(500);
    server.setFault('image', 'cut');
    await expect(fetch(url).then((response) => response.text())).rejects.toThrow('terminated');
    server.setFault('image', 'hang');
    const [asked, patience] = [server.requests.length, new AbortController()];
    const hanging = fetch(url, { signal: patience.signal });
    await waitFor(() => server.requests.length > asked, { what: 'the request that hangs' });
    patience.abort();
    await expect(hanging).rejects.toThrow('aborted');
    expect(server.requests.map(({ status }) => status)).toEqual([200, 206, 200, 304, 416, 404, 200, 500, 200, 0]);
  });
});

test('reserve: a name is free again when the process that holds it has ended', async () => {
  const name = `test-${process.pid}`;
  const program = `
    import { reserve } from '@etcd-compute/testing/reserve';
    console.log(await reserve(${JSON.stringify(name)}));
    setInterval(() => undefined, 1000);`;
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said]: Buffer[] = await once(other.stdout, 'data');
  expect(said?.toString()).toBe('true\n');
  expect(await reserve(name)).toBe(false);
  const ended = once(other, 'exit');
  other.kill('SIGKILL');
  await ended;
  expect(await reserve(name)).toBe(true);
  expect(await reserve(name)).toBe(false);
});
