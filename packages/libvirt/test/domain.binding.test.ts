import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AddressLimits } from '@etcd-compute/libvirt/domain';
import { DomainMetadataType, DomainXMLFlags, ListAllDomainsFlags } from '@etcd-compute/libvirt/constants';
import { ReleasedError } from '@etcd-compute/libvirt/errors';
import { parseDomain, renderDomain } from '@etcd-compute/libvirt/xml/domain';
import { parseMetadataValues } from '@etcd-compute/libvirt/xml/metadata';
import { aDomain, aMac } from './builders.js';

let connection: Connection;

beforeAll(async () => {
  connection = await connect('test:///default');
});

afterAll(() => connection.close());

describe('domain', () => {
  it('lives from define to undefine', async () => {
    const spec = aDomain();
    await using domain = await connection.domainDefineXML(renderDomain(spec));
    expect(domain).toMatchObject({ uuid: spec.uuid, name: spec.name });
    expect(await domain.isPersistent()).toBe(true);
    expect(await domain.isActive()).toBe(false);
    expect(await domain.getID()).toBeNull();
    expect(await domain.getState()).toEqual({ state: 'shutoff', reason: 'unknown' });

    await domain.create();
    expect(await domain.getState()).toEqual({ state: 'running', reason: 'booted' });
    expect(await domain.getID()).toBeGreaterThan(0);
    await domain.suspend();
    expect(await domain.getState()).toEqual({ state: 'paused', reason: 'user' });
    await domain.resume();
    expect(await domain.getState()).toEqual({ state: 'running', reason: 'unpaused' });
    await domain.reboot();
    await domain.reset();
    expect(await domain.isActive()).toBe(true);
    await domain.shutdown();
    expect(await domain.getState()).toEqual({ state: 'shutoff', reason: 'shutdown' });

    await domain.create();
    await domain.destroy();
    expect(await domain.getState()).toEqual({ state: 'shutoff', reason: 'destroyed' });
    await domain.undefineFlags(0);
    await expect(connection.domainLookupByUUID(spec.uuid)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
  });

  it('tells which disks had an error', async () => {
    const common = { format: 'raw', bus: 'virtio', device: 'disk', readOnly: false } as const;
    const disks = ['vda', 'vdb'].map((targetDev) => ({ ...common, targetDev, path: `/disks/${targetDev}.img` }));
    await using domain = await connection.domainDefineXML(renderDomain(aDomain({ disks })));
    await domain.create();
    // The test driver makes up an error for each disk, each time another one.
    expect(await domain.getDiskErrors()).toEqual([
      { disk: 'vda', error: 'unspecified' },
      { disk: 'vdb', error: 'no-space' },
    ]);
    await domain.destroy();
    await expect(domain.getDiskErrors()).rejects.toThrow(/not running/);
    await domain.undefineFlags(0);
    await using diskless = await connection.domainDefineXML(renderDomain(aDomain({ disks: [] })));
    await diskless.create();
    expect(await diskless.getDiskErrors()).toEqual([]);
    await diskless.destroy();
    await diskless.undefineFlags(0);
  });

  it('is gone after destroy when it is transient', async () => {
    const spec = aDomain();
    await using domain = await connection.domainCreateXML(renderDomain(spec));
    expect(await domain.isPersistent()).toBe(false);
    await domain.destroy();
    await expect(connection.domainLookupByName(spec.name)).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN' });
  });

  it('is found by name, by uuid and in lists', async () => {
    const spec = aDomain();
    await using defined = await connection.domainDefineXML(renderDomain(spec));
    await using byName = await connection.domainLookupByName(spec.name);
    await using byUuid = await connection.domainLookupByUUID(spec.uuid);
    expect([byName.uuid, byUuid.name]).toEqual([spec.uuid, spec.name]);
    const uuids = async (flags: number): Promise<string[]> => {
      const domains = await connection.listAllDomains(flags);
      await Promise.all(domains.map((domain) => domain.free()));
      return domains.map(({ uuid }) => uuid);
    };
    expect(await uuids(0)).toContain(spec.uuid);
    expect(await uuids(ListAllDomainsFlags.INACTIVE)).toContain(spec.uuid);
    expect(await uuids(ListAllDomainsFlags.ACTIVE)).not.toContain(spec.uuid);
    await defined.undefineFlags(0);
  });

  it('tells its size, its XML and its autostart', async () => {
    const spec = aDomain({ vcpus: 3, memoryMiB: 128 });
    await using domain = await connection.domainDefineXML(renderDomain(spec));
    expect(await domain.getInfo()).toMatchObject({
      state: 'shutoff',
      vcpus: 3,
      memoryKiB: 131_072,
      maxMemoryKiB: 131_072,
    });
    expect(parseDomain(await domain.getXMLDesc(DomainXMLFlags.INACTIVE))).toMatchObject({ ...spec, name: spec.name });
    expect(await domain.getAutostart()).toBe(false);
    await domain.setAutostart(true);
    expect(await domain.getAutostart()).toBe(true);
    await domain.undefineFlags(0);
  });

  it('freezes and thaws file systems; the test driver has two, and no backups', async () => {
    await using domain = await connection.domainCreateXML(renderDomain(aDomain()));
    expect([await domain.fsFreeze(), await domain.fsFreeze()]).toEqual([2, 0]);
    expect([await domain.fsThaw(), await domain.fsThaw()]).toEqual([2, 0]);
    const unsupported = { code: 'VIR_ERR_NO_SUPPORT' };
    await expect(domain.backupBegin('<domainbackup/>', null)).rejects.toMatchObject(unsupported);
    await expect(domain.backupGetXMLDesc()).rejects.toMatchObject(unsupported);
    await expect(domain.getJobStats()).rejects.toMatchObject(unsupported);
    await expect(domain.abortJob()).rejects.toMatchObject(unsupported);
    await domain.destroy();
  });

  it('tells its addresses', async () => {
    const spec = aDomain({ interfaces: [{ mac: aMac, model: 'virtio', network: 'default' }] });
    await using domain = await connection.domainCreateXML(renderDomain(spec));
    const interfaces = await domain.interfaceAddresses('lease');
    expect(interfaces).toHaveLength(1);
    expect(interfaces[0]).toMatchObject({ mac: aMac, addresses: [{ family: 'ipv4', prefix: 24 }] });
    expect(interfaces[0]?.addresses[0]?.address).toMatch(/^192\.168\.122\.\d+$/);
    await domain.destroy();
    // libvirt's test driver has no agents.
    await expect(domain.agentSetResponseTimeout(1)).rejects.toMatchObject({ code: 'VIR_ERR_NO_SUPPORT' });
    await expect(domain.interfaceAddresses('lease')).rejects.toMatchObject({
      functionName: 'virDomainInterfaceAddresses',
    });
  });

  it('tells no more addresses than are asked for', async () => {
    const macs = ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'];
    const interfaces = macs.map((mac) => ({ mac, model: 'virtio', network: 'default' }));
    await using domain = await connection.domainCreateXML(renderDomain(aDomain({ interfaces })));
    const tell = async (limits?: AddressLimits): Promise<(string | null)[]> =>
      (await domain.interfaceAddresses('lease', limits)).map(({ mac }) => mac);
    expect(await tell()).toEqual(macs);
    expect(await tell({ macs: macs.slice(1) })).toEqual(macs.slice(1));
    expect(await tell({ macs: [] })).toEqual([]);
    expect(await tell({ maxAddresses: 2 })).toEqual(macs.slice(0, 2));
    await domain.destroy();
  });

  it('keeps metadata of our own', async () => {
    const uri = 'https://example.org/instance/1';
    await using domain = await connection.domainDefineXML(renderDomain(aDomain()));
    const get = (): Promise<string> => domain.getMetadata(DomainMetadataType.ELEMENT, uri);
    await expect(get()).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN_METADATA' });
    await domain.setMetadata(DomainMetadataType.ELEMENT, '<instance><owner>ä &amp; b</owner></instance>', 'ex', uri);
    expect(parseMetadataValues(await get(), 'instance')).toEqual({ owner: 'ä & b' });
    await domain.setMetadata(DomainMetadataType.ELEMENT, null, 'ex', uri);
    await expect(get()).rejects.toMatchObject({ code: 'VIR_ERR_NO_DOMAIN_METADATA' });
    await domain.undefineFlags(0);
  });

  it('fails clearly where the driver lacks a function', async () => {
    await using domain = await connection.domainCreateXML(renderDomain(aDomain()));
    await expect(domain.openConsole(null)).rejects.toMatchObject({
      code: 'VIR_ERR_NO_SUPPORT',
      functionName: 'virDomainOpenConsole',
    });
    await domain.destroy();
  });

  it('refuses use after free, and is freed once', async () => {
    const domain = await connection.domainDefineXML(renderDomain(aDomain()));
    await domain.undefineFlags(0);
    const inFlight = Array.from({ length: 20 }, () => domain.getXMLDesc().catch((error: unknown) => error));
    await Promise.all([domain.free(), domain.free()]);
    await domain.free();
    expect(await Promise.all(inFlight)).toSatisfy((results: unknown[]) =>
      results.every((result) => !(result instanceof ReleasedError)),
    );
    await expect(domain.create()).rejects.toThrow(`could not call domainCreate on domain '${domain.name}'`);
    await expect(domain.create()).rejects.toBeInstanceOf(ReleasedError);
  });
});
