import { join } from 'node:path';
import { connect, type CloseReason } from '@etcd-compute/libvirt/connection';
import { startLibvirtd, type LibvirtDaemon } from '@etcd-compute/testing/libvirt-daemon';
import { makeTempDir, type TempDir } from '@etcd-compute/testing/temp-dir';
import { startTcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** A connection to a real daemon whose line breaks while several calls are under way. */
let dir: TempDir;
let daemon: LibvirtDaemon;
beforeAll(async () => {
  dir = await makeTempDir('line');
  daemon = await startLibvirtd({ dir: join(dir.path, 'v') });
});
afterAll(async () => {
  await daemon.stop();
  await dir[Symbol.asyncDispose]();
});

const CALLS = 5;

test.each([
  { how: 'its far end is gone without a word', breaks: 'half-open', reason: 'keepalive' },
  { how: 'the daemon hangs up', breaks: 'cut', reason: 'eof' },
] as const)(
  'a line that breaks under $how: every call fails, the close is told, and a new one works',
  async (broken) => {
    const path = join(dir.path, `${broken.breaks}-sock`);
    await using proxy = await startTcpProxy({ path: join(dir.path, 'v/run/libvirt/libvirt-sock') }, { path });
    const uri = `test+unix:///default?socket=${path}`;
    const reasons: CloseReason[] = [];
    {
      await using connection = await connect(uri, { keepAlive: { intervalSeconds: 1, count: 2 } });
      connection.onClose((reason) => reasons.push(reason));
      if (broken.breaks === 'half-open') proxy.halfOpen();
      else proxy.stall('both');
      const calls = Array.from({ length: CALLS }, async () => connection.listAllDomains());
      const ended = Promise.allSettled(calls);
      await waitFor(() => connection.callsInFlight === CALLS, { what: 'all calls to be under way' });
      if (broken.breaks === 'cut') proxy.cutAll();
      const results = await ended;
      expect(results.map(({ status }) => status)).toEqual(Array.from({ length: CALLS }, () => 'rejected'));
      await waitFor(() => reasons.length > 0, { what: 'the close to be told' });
    }
    expect(reasons).toEqual([broken.reason]);
    proxy.cutAll();
    proxy.resume();
    await using again = await connect(uri);
    expect(await again.getType()).toBe('TEST');
  },
);

test('a call that is given up while it waits for the line never runs, and the line goes on', async () => {
  const path = join(dir.path, 'wait-sock');
  await using proxy = await startTcpProxy({ path: join(dir.path, 'v/run/libvirt/libvirt-sock') }, { path });
  await using connection = await connect(`test+unix:///default?socket=${path}`, { keepAlive: null });
  proxy.stall('down');
  const first = connection.getHostname();
  const impatient = new AbortController();
  const second = connection.getHostname({ signal: impatient.signal });
  const third = connection.getHostname();
  impatient.abort(new Error('enough'));
  await expect(second).rejects.toThrow('enough');
  proxy.resume();
  expect(await third).toBe(await first);
  expect(connection.callsInFlight).toBe(0);
});
