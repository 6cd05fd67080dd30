import type { GuestConfig } from '@etcd-compute/agent/guest-config/guest-config';
import { findAnswer, segmentsOf } from '@etcd-compute/agent/metadata/routes';
import { describe, expect, test } from 'vitest';
import { INSTANCE } from '../instances/builders.js';

const KEYS = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAB me', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBB you'];
const USER_DATA = '#!/bin/sh\necho hello\n';

const aGuest = (changes: Partial<GuestConfig> = {}): GuestConfig => ({
  instance: INSTANCE,
  hostname: 'web1',
  sshKeys: KEYS,
  userData: Buffer.from(USER_DATA),
  meta: { role: 'web' },
  nics: [{ mac: '52:54:00:2d:00:02', address: '10.45.0.2' }],
  instanceType: 'custom-2-512',
  ...changes,
});

const at = (path: string, guest = aGuest()): string | undefined => findAnswer(guest, segmentsOf(path))?.body.toString();

describe('the paths of EC2', () => {
  test.each([
    ['/', '2009-04-04\nlatest\n'],
    ['/latest', 'meta-data/\nuser-data\n'],
    [
      '/latest/meta-data/',
      'instance-id\ninstance-type\nhostname\nlocal-hostname\nlocal-ipv4\nmac\nami-launch-index\npublic-keys/\n',
    ],
    ['/2009-04-04/meta-data/instance-id', INSTANCE],
    ['/latest/meta-data/instance-type', 'custom-2-512'],
    ['/latest/meta-data/hostname', 'web1'],
    ['/latest/meta-data/local-hostname', 'web1'],
    ['/latest/meta-data/local-ipv4', '10.45.0.2'],
    ['/latest/meta-data/mac', '52:54:00:2d:00:02'],
    ['/2009-04-04/meta-data/public-keys/', '0=key-0\n1=key-1\n'],
    ['/2009-04-04/meta-data/public-keys/0', 'openssh-key\n'],
    ['/2009-04-04/meta-data/public-keys/1/openssh-key', `${KEYS[1]}\n`],
    // The original's clients double a slash.
    ['/2009-04-04/meta-data/public-keys//0/openssh-key', `${KEYS[0]}\n`],
    ['/2009-04-04/user-data', USER_DATA],
    ['/2021-03-23/user-data', USER_DATA],
  ])('%s', (path, text) => {
    expect(at(path)).toBe(text);
  });

  test.each([
    '/latest/meta-data/public-keys/2/openssh-key',
    // A part of a key's name is no key.
    '/latest/meta-data/public-keys/key/openssh-key',
    '/latest/meta-data/key/openssh-key',
    '/latest/meta-data/constructor',
    '/latest/meta-data/hostname/length',
    '/latest/meta-data/../user-data',
    '/latest/user-data/x',
    '/latest/dynamic/instance-identity/document',
    '/newest/meta-data/',
  ])('%s is not there', (path) => {
    expect(at(path)).toBeUndefined();
  });

  test('without keys and user data there are neither', () => {
    const bare = aGuest({ sshKeys: [], userData: undefined });
    expect(at('/latest/meta-data/', bare)).not.toContain('public-keys');
    expect(at('/latest/meta-data/public-keys/', bare)).toBeUndefined();
    expect(at('/latest/user-data', bare)).toBeUndefined();
  });
});

describe('the paths of OpenStack', () => {
  test('versions and files are listed', () => {
    expect(at('/openstack')).toBe('2015-10-15\n2018-08-27\nlatest\n');
    expect(at('/openstack/latest/')).toBe('meta_data.json\nnetwork_data.json\nuser_data\n');
  });

  test('the files are those of the config drive, in every version', () => {
    for (const version of ['latest', '2018-08-27', '2012-08-10']) {
      const metaData: unknown = JSON.parse(at(`/openstack/${version}/meta_data.json`) ?? '');
      expect(metaData).toMatchObject({ uuid: INSTANCE, hostname: 'web1', meta: { role: 'web' } });
      const networkData: unknown = JSON.parse(at(`/openstack/${version}/network_data.json`) ?? '');
      expect(networkData).toMatchObject({ links: [{ ethernet_mac_address: '52:54:00:2d:00:02' }] });
      expect(at(`/openstack/${version}/user_data`)).toBe(USER_DATA);
    }
  });

  test.each(['/openstack/latest/vendor_data.json', '/openstack/newest', '/openstack/latest/user_data/x'])(
    '%s is not there',
    (path) => {
      expect(at(path)).toBeUndefined();
    },
  );
});
