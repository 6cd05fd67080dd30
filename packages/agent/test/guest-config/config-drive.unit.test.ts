import { mkdtemp, rm, stat, writeFile, readFile, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  ensureConfigDrivesDir,
  listConfigDrives,
  removeConfigDrive,
  writeConfigDrive,
} from '@etcd-compute/agent/guest-config/config-drives';
import { guestConfigOf, hostnameOf, type GuestConfig } from '@etcd-compute/agent/guest-config/guest-config';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { INSTANCE } from '../instances/builders.js';
import { readIso } from './read-iso.js';

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f me@example';
const aGuest = (changes: Partial<GuestConfig> = {}): GuestConfig => ({
  instance: INSTANCE,
  hostname: 'web1',
  sshKeys: [KEY],
  userData: Buffer.from('#cloud-config\nruncmd: [date]\n'),
  meta: { role: 'web' },
  nics: [{ mac: '52:54:00:2d:00:02', address: '10.45.0.2' }, { mac: '52:54:00:00:00:99' }],
  instanceType: 'custom-1-128',
  ...changes,
});

let stateDir = '';
let folder = '';
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'config-drive-'));
  folder = await ensureConfigDrivesDir(stateDir);
});
afterEach(async () => rm(stateDir, { recursive: true }));

const readDrive = async (
  layout: 'openstack' | 'nocloud',
  guest: GuestConfig,
): Promise<{ label: string; texts: Record<string, string> }> => {
  const { label, files } = readIso(await readFile(await writeConfigDrive({ folder, layout, guest })), 17);
  return {
    label,
    texts: Object.fromEntries([...files].map(([path, content]) => [path.replace(/;1$/, ''), content.toString()])),
  };
};

describe('a config drive', () => {
  test('in the layout of OpenStack tells name, keys, meta, user data and networks, also in the EC2 part', async () => {
    const { label, texts } = await readDrive('openstack', aGuest());
    expect(label).toBe('config-2');
    expect(Object.keys(texts).toSorted()).toEqual([
      'ec2/latest/meta-data.json',
      'ec2/latest/user-data',
      'openstack/latest/meta_data.json',
      'openstack/latest/network_data.json',
      'openstack/latest/user_data',
    ]);
    expect(JSON.parse(texts['openstack/latest/meta_data.json'] ?? '')).toEqual({
      uuid: INSTANCE,
      name: 'web1',
      hostname: 'web1',
      launch_index: 0,
      public_keys: { 'key-0': KEY },
      keys: [{ name: 'key-0', type: 'ssh', data: KEY }],
      meta: { role: 'web' },
    });
    expect(JSON.parse(texts['openstack/latest/network_data.json'] ?? '')).toEqual({
      links: [
        { id: 'link0', type: 'phy', ethernet_mac_address: '52:54:00:2d:00:02', mtu: null },
        { id: 'link1', type: 'phy', ethernet_mac_address: '52:54:00:00:00:99', mtu: null },
      ],
      networks: [
        { id: 'network0', link: 'link0', type: 'ipv4_dhcp' },
        { id: 'network1', link: 'link1', type: 'ipv4_dhcp' },
      ],
      services: [],
    });
    expect(JSON.parse(texts['ec2/latest/meta-data.json'] ?? '')).toMatchObject({
      'instance-id': INSTANCE,
      'local-hostname': 'web1',
      'public-keys': { 0: { 'openssh-key': KEY } },
    });
    expect(texts['openstack/latest/user_data']).toBe('#cloud-config\nruncmd: [date]\n');
    expect(texts['ec2/latest/user-data']).toBe('#cloud-config\nruncmd: [date]\n');
  });

  test('in the layout of NoCloud tells the same', async () => {
    const { label, texts } = await readDrive('nocloud', aGuest());
    expect(label).toBe('cidata');
    expect(JSON.parse(texts['meta-data'] ?? '')).toEqual({
      'instance-id': INSTANCE,
      'local-hostname': 'web1',
      'public-keys': [KEY],
      role: 'web',
    });
    expect(JSON.parse(texts['network-config'] ?? '')).toEqual({
      version: 2,
      ethernets: {
        link0: { match: { macaddress: '52:54:00:2d:00:02' }, dhcp4: true },
        link1: { match: { macaddress: '52:54:00:00:00:99' }, dhcp4: true },
      },
    });
    expect(texts['user-data']).toBe('#cloud-config\nruncmd: [date]\n');
  });

  test('has user data byte by byte, also where it is no text', async () => {
    const spec = { instance: INSTANCE, name: 'web1', vcpus: 1, memoryMiB: 128 };
    const bytes = Buffer.from([0x1f, 0x8b, 0x08, 0x00, 0xff, 0x00, 0x0a]);
    const guest = guestConfigOf({ ...spec, guest: { user_data_base64: bytes.toString('base64') } }, []);
    const path = await writeConfigDrive({ folder, layout: 'openstack', guest });
    const { files } = readIso(await readFile(path), 17);
    expect([...files].find(([name]) => name.startsWith('openstack/latest/user_data'))?.[1]).toEqual(bytes);
    expect(guestConfigOf({ ...spec, guest: { user_data: 'ü' } }, []).userData).toEqual(Buffer.from('ü'));
  });

  test('says where there is IPv6 to ask for, and nothing of it elsewhere', async () => {
    const guest = aGuest({ nics: [{ mac: '52:54:00:2d:00:02', hasDhcp6: true }, { mac: '52:54:00:00:00:99' }] });
    const openstack = await readDrive('openstack', guest);
    expect(JSON.parse(openstack.texts['openstack/latest/network_data.json'] ?? '')).toMatchObject({
      networks: [
        { id: 'network0', link: 'link0', type: 'ipv4_dhcp' },
        { id: 'network0-ipv6', link: 'link0', type: 'ipv6_dhcp' },
        { id: 'network1', link: 'link1', type: 'ipv4_dhcp' },
      ],
    });
    const nocloud = await readDrive('nocloud', guest);
    expect(JSON.parse(nocloud.texts['network-config'] ?? '')).toMatchObject({
      ethernets: {
        link0: { dhcp4: true, dhcp6: true },
        link1: { match: { macaddress: '52:54:00:00:00:99' }, dhcp4: true },
      },
    });
  });

  test('without keys and user data says nothing of them; NoCloud needs the file all the same', async () => {
    const bare = aGuest({ sshKeys: [], userData: undefined, meta: {} });
    const openstack = await readDrive('openstack', bare);
    expect(Object.keys(openstack.texts).some((path) => path.includes('user'))).toBe(false);
    expect(openstack.texts['openstack/latest/meta_data.json']).not.toMatch(/keys|meta/);
    expect((await readDrive('nocloud', bare)).texts['user-data']).toBe('');
  });

  test('meta of a person never replaces the name or the id', async () => {
    const { texts } = await readDrive('nocloud', aGuest({ meta: { 'instance-id': 'x', 'local-hostname': 'x' } }));
    expect(JSON.parse(texts['meta-data'] ?? '')).toMatchObject({ 'instance-id': INSTANCE, 'local-hostname': 'web1' });
  });

  test('is for its owner alone, can be made again and removed twice', async () => {
    await writeFile(join(folder, `${INSTANCE}.iso.partial`), 'cut off');
    const path = await writeConfigDrive({ folder, layout: 'openstack', guest: aGuest() });
    await writeConfigDrive({ folder, layout: 'openstack', guest: aGuest() });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o711);
    await writeFile(join(folder, 'notes.iso'), 'not ours');
    expect(await listConfigDrives(folder)).toEqual([INSTANCE]);
    await removeConfigDrive(folder, INSTANCE);
    await removeConfigDrive(folder, INSTANCE);
    expect(await readdir(folder)).toEqual(['notes.iso']);
  });

  test('what is left half-written is found and removed', async () => {
    await writeFile(join(folder, `${INSTANCE}.iso.partial`), 'cut off');
    expect(await listConfigDrives(folder)).toEqual([INSTANCE]);
    await removeConfigDrive(folder, INSTANCE);
    expect(await readdir(folder)).toEqual([]);
  });

  test('that cannot be written says which, and is tried elsewhere', async () => {
    await rm(folder, { recursive: true });
    await expect(writeConfigDrive({ folder, layout: 'openstack', guest: aGuest() })).rejects.toMatchObject({
      code: 'ECOMPUTE_DISK_FAILED',
      message: `could not write the config drive of instance ${INSTANCE}`,
      retryable: true,
    });
  });

  test('a guest without a name gets one of its own', () => {
    expect(hostnameOf(INSTANCE, undefined)).toBe('instance-6b2f3c1e');
    expect(hostnameOf(INSTANCE, 'web1')).toBe('web1');
  });
});
