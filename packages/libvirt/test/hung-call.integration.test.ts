import { join } from 'node:path';
import { connect, type CloseReason, type Connection, type ConnectOptions } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError, StuckConnectionError, TooManyHungCallsError } from '@etcd-compute/libvirt/errors';
import { superviseConnection } from '@etcd-compute/libvirt/reconnect';
import { configureThreads, countHungThreads } from '@etcd-compute/libvirt/threads';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { startLibvirtProxy, type LibvirtProxy } from '@etcd-compute/testing/libvirt-proxy';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

/** A real daemon that goes on, with calls that do not return: their replies are lost, or come late. */
let dir: TempDir;
let daemon: LibvirtDaemon;
let proxy: LibvirtProxy;
let uri: string;
beforeAll(async () => {
  dir = await makeTempDir('hung');
  daemon = await startLibvirtd({ dir: join(dir.path, 'v') });
});
beforeEach(async (context) => {
  const path = join(dir.path, 'sock');
  proxy = await startLibvirtProxy({ path: join(dir.path, 'v/run/libvirt/libvirt-sock') }, { path });
  context.onTestFinished(async () => proxy[Symbol.asyncDispose]());
  uri = `test+unix:///default?socket=${path}`;
});
afterAll(async () => {
  await daemon.stop();
  await dir[Symbol.asyncDispose]();
});

/** For calls that are to hang; all others have far more than they need. */
const SHORT = { timeoutMs: 500 };
const open = async (options: ConnectOptions = {}): Promise<Connection> =>
  connect(uri, { callTimeoutMs: 60_000, ...options });
/** libvirt looks once a second whether a connection is to be closed. */
const untilAllReturned = async (): Promise<void> => {
  await waitFor(() => countHungThreads() === 0, { what: 'all hung calls to return' });
};

test('a call whose reply is lost ends at its deadline, and ends its connection; others go on, and its thread is free again', async () => {
  await using connection = await open();
  await using other = await open();
  const reasons: CloseReason[] = [];
  connection.onClose((reason) => reasons.push(reason));
  await using domain = await connection.domainLookupByName('test');
  proxy.loseReply();
  const hung = domain.getInfo(SHORT);
  const queued = connection.listAllDomains();
  const ended = Promise.allSettled([hung, queued]);
  const whileItHangs = await Promise.all(Array.from({ length: 40 }, async () => other.domainLookupByName('test')));
  expect(whileItHangs).toHaveLength(40);
  await ended;
  await expect(hung).rejects.toThrow(CallTimeoutError);
  await expect(hung).rejects.toThrow(
    /^libvirt did not return from domainGetInfo on domain 'test' \(.*\) within 0\.5 s$/,
  );
  await expect(queued).rejects.toThrow(StuckConnectionError);
  await expect(domain.getState()).rejects.toThrow('could not call domainGetState: its connection is stuck');
  expect(connection.isClosed).toBe(true);
  expect(reasons).toEqual(['stuck']);
  expect(countHungThreads()).toBe(1);
  // Freeing the domain and closing the connection, which the end of this test does, wait for nothing either.
  await untilAllReturned();
  expect(await other.getType()).toBe('TEST');
});

test('a call may have more time than its connection gives to others', async () => {
  await using connection = await open();
  await using other = await open();
  proxy.hush();
  const patient = connection.getHostname({ timeoutMs: 60_000 });
  await expect(other.getHostname(SHORT)).rejects.toThrow(CallTimeoutError);
  proxy.speak();
  expect(await patient).not.toBe('');
  expect(connection.isClosed).toBe(false);
});

test('a call that cannot be made to return keeps its thread; when it returns late, what it made is freed, and the thread serves again', async () => {
  // libvirt takes no other keepalive for a connection that has one.
  const keepAlive = { intervalSeconds: 5, count: 3 };
  configureThreads({ maxThreads: 1, maxHungThreads: 2 });
  const connection = await open({ keepAlive });
  const other = await open({ keepAlive });
  proxy.hush();
  await expect(connection.domainLookupByName('test', SHORT)).rejects.toThrow(CallTimeoutError);
  await connection.close();
  // The only thread hangs, and this call gets another one.
  await expect(other.listAllDomains(0, SHORT)).rejects.toThrow(CallTimeoutError);
  expect(countHungThreads()).toBe(2);
  await expect(open()).rejects.toThrow(TooManyHungCallsError);
  await expect(open()).rejects.toThrow(`could not connect to ${uri}: 2 libvirt calls hang already`);
  proxy.speak();
  await untilAllReturned();
  await other.close();
  configureThreads({ maxThreads: 4, maxHungThreads: 16 });
  // The daemon has heard of the end of both.
  await waitFor(() => proxy.wire.openConnections === 0, { what: 'both connections to be closed' });
  await using again = await open();
  expect(await again.getType()).toBe('TEST');
});

test('a daemon that accepts and says nothing fails the opening of a connection in time', async () => {
  proxy.wire.stall('both');
  await expect(open(SHORT)).rejects.toThrow(
    `libvirt did not return from connectionOpen on connection '${uri}' within 0.5 s`,
  );
  expect(countHungThreads()).toBe(1);
  proxy.wire.resume();
  await untilAllReturned();
  await waitFor(() => proxy.wire.openConnections === 0, { what: 'the late connection to be closed' });
});

test('a supervised connection with a call that hangs is replaced', async () => {
  const ups: Connection[] = [];
  const downs: string[] = [];
  await using supervised = superviseConnection({
    uri,
    keepAlive: null,
    callTimeoutMs: 60_000,
    minBackoffMs: 1,
    onUp: (connection) => void ups.push(connection),
    onDown: ({ message }) => downs.push(message),
    signal: new AbortController().signal,
  });
  const first = await supervised.waitUp(AbortSignal.timeout(30_000));
  proxy.loseReply();
  await expect(first.getHostname(SHORT)).rejects.toThrow(CallTimeoutError);
  await waitFor(() => ups.length === 2, { what: 'another connection' });
  expect(await supervised.get().getType()).toBe('TEST');
  expect(downs).toEqual([`the connection to ${uri} was lost (stuck)`]);
  await untilAllReturned();
});

test('a connection that is given up fails the calls on it', async () => {
  await using connection = await open({ callTimeoutMs: undefined });
  proxy.hush();
  const calls = [connection.getHostname(), connection.getType()];
  connection.abandon(new Error('the daemon is dead'));
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
