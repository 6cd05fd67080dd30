import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { aDomain, aNetwork } from './builders.js';

/** Far longer than needed. */
const DEADLINE = { timeout: 30_000, interval: 5 };

let connection: Connection;

beforeAll(async () => {
  connection = await connect('test:///default');
});

afterAll(() => connection.close());

describe('events', () => {
  it('tell the life of a domain, in order', async () => {
    const spec = aDomain();
    const seen: string[] = [];
    await using _subscription = await connection.onDomainLifecycle(({ uuid, name, event, detail }) => {
      if (uuid === spec.uuid && name === spec.name) seen.push(`${event} ${detail}`);
    });
    await using domain = await connection.domainDefineXML(renderDomain(spec));
    await domain.create();
    await domain.suspend();
    await domain.resume();
    await domain.destroy();
    await domain.create();
    await domain.shutdown();
    await domain.undefineFlags(0);
    await vi.waitFor(() => expect(seen).toHaveLength(8), DEADLINE);
    expect(seen).toEqual([
      'defined added',
      'started booted',
      'suspended paused',
      'resumed unpaused',
      'stopped destroyed',
      'started booted',
      'stopped shutdown',
      'undefined removed',
    ]);
  });

  it('tell the life of a network, in order', async () => {
    const spec = aNetwork();
    const seen: string[] = [];
    await using _subscription = await connection.onNetworkLifecycle(({ uuid, event }) => {
      if (uuid === spec.uuid) seen.push(event);
    });
    await using network = await connection.networkDefineXML(renderNetwork(spec));
    await network.create();
    await network.destroy();
    await network.undefine();
    await vi.waitFor(() => expect(seen).toHaveLength(4), DEADLINE);
    expect(seen).toEqual(['defined', 'started', 'stopped', 'undefined']);
  });

  it('reach every subscription, and none that was closed', async () => {
    const spec = aDomain();
    const heard = { kept: 0, closed: 0, otherConnection: 0 };
    await using other = await connect('test:///default');
    await using _kept = await connection.onDomainLifecycle(
      ({ uuid }) => void (uuid === spec.uuid && (heard.kept += 1)),
    );
    await using _other = await other.onDomainLifecycle(
      ({ uuid }) => void (uuid === spec.uuid && (heard.otherConnection += 1)),
    );
    const closed = await connection.onDomainLifecycle(({ uuid }) => void (uuid === spec.uuid && (heard.closed += 1)));
    await closed.close();
    await closed.close();
    await using domain = await connection.domainDefineXML(renderDomain(spec));
    await domain.undefineFlags(0);
    await vi.waitFor(() => expect(heard).toEqual({ kept: 2, otherConnection: 2, closed: 0 }), DEADLINE);
  });

  it('reboots can be subscribed to', async () => {
    // The test driver reboots without an event; what can be seen here is that libvirt takes the subscription.
    const subscription = await connection.onDomainReboot(() => undefined);
    await subscription.close();
    expect(await connection.isAlive()).toBe(true);
  });

  it('of calls that ended before close() are told before it ends', async () => {
    for (let round = 0; round < 50; round += 1) {
      const spec = aDomain();
      const seen: string[] = [];
      const other = await connect('test:///default');
      await other.onDomainLifecycle(({ uuid, event }) => void (uuid === spec.uuid && seen.push(event)));
      const domain = await other.domainDefineXML(renderDomain(spec));
      await domain.undefineFlags(0);
      await other.close();
      expect(seen).toEqual(['defined', 'undefined']);
    }
  });

  it('end with the connection', async () => {
    const spec = aDomain();
    let heard = 0;
    const other = await connect('test:///default');
    const subscription = await other.onDomainLifecycle(() => (heard += 1));
    await other.close();
    await subscription.close();
    const before = heard;
    await using domain = await connection.domainDefineXML(renderDomain(spec));
    await domain.undefineFlags(0);
    expect(heard).toBe(before);
  });

  it('keep up with a thousand domains', async () => {
    const uuids = new Set<string>();
    const stopped = new Set<string>();
    await using _subscription = await connection.onDomainLifecycle(({ uuid, event }) => {
      if (event === 'stopped') stopped.add(uuid);
    });
    await Promise.all(
      Array.from({ length: 1000 }, async () => {
        const spec = aDomain();
        uuids.add(spec.uuid);
        await using domain = await connection.domainCreateXML(renderDomain(spec));
        await domain.destroy();
      }),
    );
    await vi.waitFor(() => expect([...uuids].filter((uuid) => !stopped.has(uuid))).toEqual([]), DEADLINE);
    expect(uuids.size).toBe(1000);
  });
});
