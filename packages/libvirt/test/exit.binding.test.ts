/** How a process ends that uses libvirt: each case is a program of its own, for an abort would take the tests along. */
import { describe, expect, it } from 'vitest';
import { runChild, startChild } from './child.js';
import { startSilentDaemon } from './silent-daemon.js';

const OPEN = `
  import { connect } from '@etcd-compute/libvirt/connection';
  import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
  const connection = await connect('test:///default');
  const aDomain = (uuid) => renderDomain({ uuid, name: uuid, type: 'test', vcpus: 1, memoryMiB: 8, disks: [], interfaces: [] });
`;

/** A domain that starts and stops for ever, so that calls run and events arrive at any moment. */
const BUSY = `
  await connection.onDomainLifecycle(() => undefined);
  for (let worker = 0; worker < 4; worker += 1) void (async () => {
    for (;;) {
      const domain = await connection.domainCreateXML(aDomain(crypto.randomUUID()));
      await domain.destroy();
      await domain.free();
    }
  })();
`;

describe('process exit', () => {
  it('comes by itself once the connection is closed', async () => {
    const result = await runChild(`${OPEN}
      await connection.onDomainLifecycle(() => undefined);
      await connection.close();
    `);
    expect(result).toMatchObject({ code: 0, signal: null, stderr: '' });
  });

  it('waits for an open connection', async () => {
    // The timer alone does not keep the process: only the connection lets it get that far.
    const result = await runChild(`${OPEN}
      setTimeout(() => { console.log('still here'); void connection.close(); }, 300).unref();
    `);
    expect(result).toMatchObject({ code: 0, stdout: 'still here\n', stderr: '' });
  });

  it('is immediate with process.exit, connection open, subscribed and busy', async () => {
    const results = await Promise.all(
      Array.from({ length: 4 }, (_, index) =>
        runChild(`${OPEN}${BUSY}
          setTimeout(() => { console.log('exit'); process.exit(3); }, ${200 + index * 37});
        `),
      ),
    );
    for (const result of results) expect(result).toMatchObject({ code: 3, signal: null, stdout: 'exit\n', stderr: '' });
  });

  it('is immediate at any moment while threads start', async () => {
    const moments = [
      '',
      'await new Promise((resolve) => setTimeout(resolve, 20));',
      'await new Promise((resolve) => setTimeout(resolve, 60));',
    ];
    const results = await Promise.all(
      moments.map((wait) =>
        runChild(`
          import { connect } from '@etcd-compute/libvirt/connection';
          void connect('test:///default').then((connection) => { for (let call = 0; call < 500; call += 1) void connection.getCapabilities(); });
          ${wait}
          process.exit(4);
        `),
      ),
    );
    for (const result of results) expect(result).toMatchObject({ code: 4, signal: null, stderr: '' });
  });

  it('is an ordinary one after an uncaught error', async () => {
    const result = await runChild(`${OPEN}${BUSY}
      setTimeout(() => { throw new Error('on purpose'); }, 200);
    `);
    expect(result).toMatchObject({ code: 1, signal: null });
    expect(result.stderr).toContain('on purpose');
  });

  it('follows a signal, connection open and busy', async () => {
    const child = startChild(`${OPEN}${BUSY}console.log('ready');`);
    child.process.stdout?.once('data', () => child.process.kill('SIGTERM'));
    expect(await child.ended).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' });
  });

  it('does not wait for a call that hangs', async () => {
    await using daemon = await startSilentDaemon();
    const child = startChild(
      `${OPEN}
      console.log('ready');
      void connect(process.env.SILENT_URI);
      process.on('SIGUSR2', () => process.exit(5));
    `,
      { SILENT_URI: daemon.uri },
    );
    await daemon.connections(1);
    child.process.kill('SIGUSR2');
    const result = await child.ended;
    expect(result).toMatchObject({ code: 5, signal: null, stderr: '' });
    expect(result.durationMs).toBeLessThan(20_000);
  });

  it('comes by itself while a call hangs that has missed its deadline', async () => {
    await using daemon = await startSilentDaemon();
    const result = await runChild(
      `${OPEN}
      await connect(process.env.SILENT_URI, { callTimeoutMs: 50 }).catch(({ code }) => console.log(code));
      await connection.close();
      process.exitCode = 6;
    `,
      { SILENT_URI: daemon.uri },
    );
    expect(result).toMatchObject({ code: 6, signal: null, stdout: 'LIBVIRT_CALL_TIMEOUT\n', stderr: '' });
  });

  it('leaves no error of libvirt on stderr', async () => {
    const result = await runChild(`${OPEN}
      const failed = await Promise.allSettled(Array.from({ length: 100 }, () => connection.domainLookupByName('absent')));
      console.log(failed.filter(({ status }) => status === 'rejected').length);
      await connect('nosuch:///driver').catch(({ code }) => console.log(code));
      await connection.close();
    `);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^100\nVIR_ERR_/);
  });

  it('ends idle threads, and starts them again', async () => {
    const result = await runChild(`
      import { configureThreads } from '@etcd-compute/libvirt/threads';
      import { readdirSync } from 'node:fs';
      configureThreads({ maxThreads: 3, minThreads: 0, idleMs: 20 });
      ${OPEN}
      const count = () => readdirSync('/proc/self/task').length;
      const until = async (check) => { while (!check()) await new Promise((resolve) => setTimeout(resolve, 10)); };
      const busy = () => Promise.all(Array.from({ length: 3000 }, () => connection.isAlive()));
      await busy();
      const most = count();
      await until(() => count() < most);
      await busy();
      await connection.close();
      console.log('grew and shrank');
    `);
    expect(result).toMatchObject({ code: 0, stdout: 'grew and shrank\n', stderr: '' });
  });
});
