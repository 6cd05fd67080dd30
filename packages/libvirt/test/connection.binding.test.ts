import { describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import { LibvirtError, ReleasedError } from '@etcd-compute/libvirt/errors';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { aDomain } from './builders.js';

const URI = 'test:///default';

/** What a call failed with. */
async function failure(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error('the call should have failed');
}

describe('connection', () => {
  it('tells about the host', async () => {
    await using connection = await connect(URI);
    expect(await connection.isAlive()).toBe(true);
    expect(connection.isRemote).toBe(false);
    expect(await connection.getType()).toBe('TEST');
    expect(await connection.getLibVersion()).toBeGreaterThan(1_000_000);
    expect(await connection.getVersion()).toBeGreaterThan(0);
    expect(await connection.getHostname()).not.toBe('');
    expect(await connection.getCapabilities()).toContain('<capabilities>');
    expect(await connection.getNodeInfo()).toEqual({
      model: 'i686',
      memoryKiB: 3_145_728,
      cpus: 16,
      mhz: 1400,
      nodes: 2,
      sockets: 2,
      cores: 2,
      threads: 2,
    });
  });

  it('fails with libvirt’s own error when the URI is wrong', async () => {
    const error = await failure(connect('test:///does/not/exist.xml'));
    expect(error).toBeInstanceOf(LibvirtError);
    expect(error).toMatchObject({ level: 'error', functionName: 'virConnectOpen' });
    expect(String(error)).toContain('/does/not/exist.xml');
  });

  it('gives each of two failures in a row its own error', async () => {
    await using connection = await connect(URI);
    const first = await failure(connection.domainLookupByName('absent'));
    const second = await failure(connection.networkLookupByName('absent'));
    const third = await failure(connection.domainDefineXML('<not-closed'));
    expect(first).toMatchObject({
      code: 'VIR_ERR_NO_DOMAIN',
      codeNumber: 42,
      domain: 'VIR_FROM_TEST',
      functionName: 'virDomainLookupByName',
    });
    expect(second).toMatchObject({ code: 'VIR_ERR_NO_NETWORK', functionName: 'virNetworkLookupByName' });
    expect(third).toMatchObject({ code: 'VIR_ERR_XML_DETAIL', functionName: 'virDomainDefineXMLFlags' });
    expect(String(third)).toContain('not-closed');
  });

  it('clears an error once it is told', async () => {
    await using connection = await connect(URI);
    await failure(connection.domainLookupByName('absent'));
    expect(await connection.isAlive()).toBe(true);
    const capabilities = await failure(connection.getDomainCapabilities(null, null, null, null));
    expect(capabilities).toMatchObject({ code: 'VIR_ERR_NO_SUPPORT', functionName: 'virConnectGetDomainCapabilities' });
  });

  it('points an error’s stack at the caller', async () => {
    await using connection = await connect(URI);
    const error = await failure(connection.domainLookupByName('absent'));
    expect(error instanceof Error && error.stack).toContain('connection.binding.test');
  });

  it('keeps a reader from writing', async () => {
    await using connection = await connect(URI, { readOnly: true });
    const error = await failure(connection.domainDefineXML(renderDomain(aDomain())));
    expect(error).toMatchObject({ code: 'VIR_ERR_OPERATION_DENIED' });
  });

  it('ignores keepalive where there is no wire', async () => {
    await using connection = await connect(URI, { keepAlive: { intervalSeconds: 5, count: 3 } });
    expect(await connection.isAlive()).toBe(true);
  });

  it('refuses use after close, and closes once', async () => {
    const connection = await connect(URI);
    const domain = await connection.domainDefineXML(renderDomain(aDomain()));
    await Promise.all([connection.close(), connection.close()]);
    await connection.close();
    expect(connection.isClosed).toBe(true);
    const onConnection = await failure(connection.isAlive());
    expect(onConnection).toBeInstanceOf(ReleasedError);
    expect(String(onConnection)).toContain(URI);
    const onDomain = await failure(domain.getState());
    expect(onDomain).toBeInstanceOf(ReleasedError);
    expect(String(onDomain)).toContain(domain.uuid);
  });

  it('lets calls in flight end before it closes', async () => {
    const connection = await connect(URI);
    const calls = Array.from({ length: 50 }, () => connection.getNodeInfo());
    await connection.close();
    const results = await Promise.all(calls);
    expect(results.every(({ model }) => model === 'i686')).toBe(true);
  });

  it('tells every close handler once, also one that comes late, and none that was removed', async () => {
    const connection = await connect(URI);
    const heard: string[] = [];
    connection.onClose((reason) => heard.push(`early ${reason}`));
    connection.onClose(() => heard.push('removed'))();
    await connection.close();
    await connection.close();
    await new Promise<void>((resolve) => {
      connection.onClose((reason) => {
        heard.push(`late ${reason}`);
        resolve();
      });
    });
    expect(heard).toEqual(['early client', 'late client']);
  });

  it('is not affected by another connection that closes', async () => {
    const [first, second] = await Promise.all([connect(URI), connect(URI)]);
    await first.close();
    expect(await second.isAlive()).toBe(true);
    await second.close();
  });
});
