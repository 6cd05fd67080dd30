import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '@etcd-compute/libvirt/connection';
import type { Connection } from '@etcd-compute/libvirt/connection';
import {
  ListAllNetworksFlags,
  NetworkSection,
  NetworkUpdateCommand,
  NetworkUpdateFlags,
} from '@etcd-compute/libvirt/constants';
import { parseNetwork, renderDhcpHost, renderNetwork } from '@etcd-compute/libvirt/xml/network';
import { aMac, aNetwork } from './builders.js';

let connection: Connection;

beforeAll(async () => {
  connection = await connect('test:///default');
});

afterAll(() => connection.close());

describe('network', () => {
  it('lives from define to undefine', async () => {
    const spec = aNetwork();
    await using network = await connection.networkDefineXML(renderNetwork(spec));
    expect(network).toMatchObject({ uuid: spec.uuid, name: spec.name });
    expect(await network.isPersistent()).toBe(true);
    expect(await network.isActive()).toBe(false);
    await network.create();
    expect(await network.isActive()).toBe(true);
    expect(await network.getBridgeName()).toBe(spec.bridge.name);
    expect(parseNetwork(await network.getXMLDesc())).toEqual(spec);
    await network.setAutostart(true);
    expect(await network.getAutostart()).toBe(true);
    await network.destroy();
    await network.undefine();
    await expect(connection.networkLookupByName(spec.name)).rejects.toMatchObject({ code: 'VIR_ERR_NO_NETWORK' });
  });

  it('is found by name, by uuid and in lists', async () => {
    const spec = aNetwork();
    await using network = await connection.networkCreateXML(renderNetwork(spec));
    expect(await network.isPersistent()).toBe(false);
    await using byName = await connection.networkLookupByName(spec.name);
    await using byUuid = await connection.networkLookupByUUID(network.uuid);
    expect([byName.uuid, byUuid.name]).toEqual([network.uuid, spec.name]);
    const active = await connection.listAllNetworks(ListAllNetworksFlags.ACTIVE);
    expect(active.map(({ name }) => name)).toContain(spec.name);
    const inactive = await connection.listAllNetworks(ListAllNetworksFlags.INACTIVE);
    expect(inactive.map(({ name }) => name)).not.toContain(spec.name);
    await network.destroy();
  });

  it('takes DHCP hosts one by one, and gives them back', async () => {
    const host = { mac: aMac, name: 'guest', ip: '10.77.0.9' };
    await using network = await connection.networkDefineXML(renderNetwork(aNetwork()));
    const update = (command: number): Promise<void> =>
      network.update(command, NetworkSection.IP_DHCP_HOST, -1, renderDhcpHost(host), NetworkUpdateFlags.CURRENT);
    await update(NetworkUpdateCommand.ADD_LAST);
    expect(parseNetwork(await network.getXMLDesc()).ip.dhcp?.hosts).toEqual([host]);
    await expect(update(NetworkUpdateCommand.ADD_LAST)).rejects.toMatchObject({ functionName: 'virNetworkUpdate' });
    await update(NetworkUpdateCommand.DELETE);
    expect(parseNetwork(await network.getXMLDesc()).ip.dhcp?.hosts).toEqual([]);
    await network.undefine();
  });
});
