import { join } from 'node:path';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { openLibvirtLink, type LibvirtLink } from '@etcd-compute/agent/libvirt/link';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { silentLogger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError } from '@etcd-compute/libvirt/errors';
import { countHungThreads } from '@etcd-compute/libvirt/threads';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { startLibvirtProxy, type LibvirtProxy } from '@etcd-compute/testing/libvirt-proxy';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

/** An agent's connections to a real daemon that loses replies. */
let dir: TempDir;
let daemon: LibvirtDaemon;
let proxy: LibvirtProxy;
beforeAll(async () => {
  dir = await makeTempDir('link');
  daemon = await startLibvirtd({ dir: join(dir.path, 'v') });
});
beforeEach(async (context) => {
  proxy = await startLibvirtProxy(
    { path: join(dir.path, 'v/run/libvirt/libvirt-sock') },
    { path: join(dir.path, 'sock') },
  );
  context.onTestFinished(async () => proxy[Symbol.asyncDispose]());
});
afterAll(async () => {
  await daemon.stop();
  await dir[Symbol.asyncDispose]();
});

const THREADS = 4;

interface OpenLink extends AsyncDisposable {
  readonly link: LibvirtLink;
  readonly ups: Connection[];
  readonly downs: { readonly message: string; readonly isFirst: boolean }[];
}

const openLink = async ({ libvirtSeconds }: { libvirtSeconds: number }): Promise<OpenLink> => {
  const running = new AbortController();
  const [ups, downs]: [Connection[], OpenLink['downs']] = [[], []];
  const uri = `test+unix:///default?socket=${join(dir.path, 'sock')}`;
  const link = openLibvirtLink({
    config: agentConfigSchema.parse({ libvirt: { uri, threads: THREADS }, timeouts: { libvirt: libvirtSeconds } }),
    onUp: async (connection) => void ups.push(connection),
    onDown: ({ message }, { isFirst }) => void downs.push({ message, isFirst }),
    onDomainEvent: () => undefined,
    onGuestAgent: () => undefined,
    log: silentLogger(),
    signal: running.signal,
  });
  await link.waitUp(AbortSignal.timeout(30_000));
  await waitFor(() => link.getOpen().length === 1 + THREADS, { what: 'all connections to be open' });
  return {
    link,
    ups,
    downs,
    [Symbol.asyncDispose]: async () => {
      running.abort();
      await link[Symbol.asyncDispose]();
      await waitFor(() => countHungThreads() === 0, { what: 'all hung calls to return' });
    },
  };
};

/** Has connections opened for as many users at a time as there may be. */
const openLane = async ({ link }: OpenLink): Promise<void> => {
  const all = withResolvers<void>();
  let lent = 0;
  const wait = async (): Promise<void> => {
    lent += 1;
    if (lent === THREADS) all.resolve();
    await all.promise;
  };
  await Promise.all(Array.from({ length: THREADS }, async () => link.lend('work', wait)));
};

/** Numbers of remote_protocol.x, for replies that are to be lost. */
const LIST_ALL_DOMAINS = 273;

test('while a question hangs, all others are answered; then its connection is replaced, and libvirt was never away', async () => {
  await using open = await openLink({ libvirtSeconds: 5 });
  const { link, ups, downs } = open;
  proxy.loseReply(LIST_ALL_DOMAINS);
  const hung = link.getConnection();
  const answer = hung.listAllDomains();
  const ended = Promise.allSettled([answer]);
  await waitFor(() => proxy.lostReplies === 1, { what: 'the reply to be lost' });
  await waitFor(() => hung.busyForMs > 250, { what: 'the call to be slow' });
  const others = await Promise.all(
    Array.from({ length: 40 }, async () => {
      await using domain = await link.getConnection().domainLookupByName('test');
      return domain.getState();
    }),
  );
  expect(others).toHaveLength(40);
  expect(hung.callsInFlight).toBe(1);
  await ended;
  await expect(answer).rejects.toThrow(CallTimeoutError);
  await waitFor(() => link.getOpen().filter(({ isClosed }) => !isClosed).length === 1 + THREADS, {
    what: 'another connection in its place',
  });
  expect(ups).toHaveLength(1);
  expect(downs).toEqual([]);
});

test('calls that wait for guests wait neither for each other nor does any other call wait for them', async () => {
  await using open = await openLink({ libvirtSeconds: 60 });
  const { link } = open;
  const guests = withResolvers<void>();
  const waiting = Array.from({ length: 9 }, async () => link.lend('guest', async () => guests.promise));
  const destroyed = await link.lend('destroy', async (connection) => connection.getType());
  const worked = await Promise.all(
    Array.from({ length: 9 }, async () => link.lend('work', async (connection) => connection.getType())),
  );
  expect([destroyed, ...worked]).toEqual(Array.from({ length: 10 }, () => 'TEST'));
  expect(await link.getConnection().getType()).toBe('TEST');
  guests.resolve();
  await Promise.all(waiting);
});

test('a call on a lent connection that hangs is a failure of what it was lent for, and the next one gets another', async () => {
  await using open = await openLink({ libvirtSeconds: 60 });
  const { link, downs } = open;
  proxy.loseReply(LIST_ALL_DOMAINS);
  const call = link.lend('work', async (connection) => connection.listAllDomains(0, { timeoutMs: 300 }));
  await expect(call).rejects.toMatchObject({
    code: 'ECOMPUTE_STEP_TIMED_OUT',
    retryable: true,
    message: expect.stringMatching(/^libvirt did not return from listAllDomains on connection '.*' within 0\.3 s$/),
  });
  expect(await link.lend('work', async (connection) => connection.getType())).toBe('TEST');
  expect(downs).toEqual([]);
});

test('a user that has given up keeps its turn until its call has ended, and is not lent to when its turn comes later', async () => {
  await using open = await openLink({ libvirtSeconds: 60 });
  const { link } = open;
  await openLane(open);
  const impatient = new AbortController();
  proxy.hush();
  const calls = Array.from({ length: THREADS }, async () =>
    link.lend('work', async (connection) => connection.getHostname({ signal: impatient.signal })),
  );
  let isLent = false;
  const late = link.lend(
    'work',
    async () => {
      isLent = true;
    },
    impatient.signal,
  );
  const next = link.lend('work', async (connection) => connection.getType());
  impatient.abort(new Error('enough'));
  const given = await Promise.allSettled(calls);
  expect(given.map((result) => result.status === 'rejected' && String(result.reason))).toEqual(
    Array.from({ length: THREADS }, () => 'Error: enough'),
  );
  proxy.speak();
  await expect(late).rejects.toThrow('enough');
  expect(isLent).toBe(false);
  expect(await next).toBe('TEST');
});

test('when the connection for events hangs, the daemon is dead: whatever waits for it fails, and all is opened anew', async () => {
  await using open = await openLink({ libvirtSeconds: 60 });
  const { link, ups } = open;
  await openLane(open);
  proxy.hush();
  const calls = [
    link.getConnection().getHostname(),
    link.lend('work', async (connection) => connection.getHostname()),
    Promise.resolve(ups[0]?.getHostname({ timeoutMs: 200 })),
  ];
  const results = await Promise.allSettled(calls);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  expect(() => link.getConnection()).toThrow('there is no connection to libvirt');
  proxy.speak();
  await waitFor(() => ups.length === 2, { what: 'the link to come up again' });
  await link.waitUp(AbortSignal.timeout(60_000));
  expect(await link.getConnection().getType()).toBe('TEST');
});
