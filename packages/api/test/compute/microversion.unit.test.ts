import { MAX_MINOR, readMinor, versionHeaders } from '@etcd-compute/api/compute/microversion';
import { expect, test } from 'vitest';

const ask = (headers: Readonly<Record<string, string>>, url = '/compute/v2.1/flavors') => ({
  url,
  header: (name: string) => headers[name],
});

test('a request asks for a version by either header, or gets 2.1', () => {
  expect(readMinor(ask({}))).toBe(1);
  expect(readMinor(ask({ 'openstack-api-version': 'compute 2.2' }))).toBe(2);
  expect(readMinor(ask({ 'openstack-api-version': 'volume 3.60, compute 2.2' }))).toBe(2);
  expect(readMinor(ask({ 'openstack-api-version': 'volume 3.60' }))).toBe(1);
  expect(readMinor(ask({ 'x-openstack-nova-api-version': '2.2' }))).toBe(2);
  expect(readMinor(ask({ 'x-openstack-nova-api-version': 'latest' }))).toBe(MAX_MINOR);
});

test('the API of before there were versions knows none', () => {
  const request = ask({ 'openstack-api-version': 'compute 2.2' }, '/compute/v2/flavors?limit=1');
  expect(readMinor(request)).toBe(1);
  expect(versionHeaders(request)).toEqual({});
});

test('what is no version is refused, and so is one that there is not', () => {
  for (const [version, status] of [
    ['2', 400],
    ['2.', 400],
    ['2.01', 400],
    ['x', 400],
    ['2.0', 406],
    ['3.1', 406],
    [`2.${MAX_MINOR + 1}`, 406],
  ] as const)
    expect(() => readMinor(ask({ 'x-openstack-nova-api-version': version }))).toThrow(
      expect.objectContaining({ status }),
    );
});

test('an answer tells its version', () => {
  expect(versionHeaders(ask({ 'x-openstack-nova-api-version': '2.2' }))).toEqual({
    'x-openstack-nova-api-version': '2.2',
    'openstack-api-version': 'compute 2.2',
    vary: 'OpenStack-API-Version, X-OpenStack-Nova-API-Version',
  });
});
