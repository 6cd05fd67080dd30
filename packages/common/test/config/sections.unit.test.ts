import { placementSection } from '@etcd-compute/common/config/sections';
import { expect, test } from 'vitest';

test('who counts room: etcd, unless a config names the endpoint of a service', () => {
  const backendOf = (section: unknown): string => placementSection.parse(section).backend;
  expect(backendOf(undefined)).toBe('etcd');
  expect(backendOf('etcd')).toBe('etcd');
  expect(backendOf({ timeout: 5 })).toBe('etcd');
  expect(backendOf({ endpoint: 'http://localhost:8080' })).toBe('service');
  expect(backendOf({ backend: 'service' })).toBe('service');
  expect(placementSection.safeParse('sqlite').success).toBe(false);
  const both = placementSection.safeParse({ backend: 'etcd', endpoint: 'http://placement:8778' });
  expect(both.error?.issues).toMatchObject([{ path: ['endpoint'], message: expect.stringContaining('leave it out') }]);
});
