import { planUsage, usageKeys } from '@etcd-compute/api/compute/servers/engine/change-server';
import { NOTHING } from '@etcd-compute/api/compute/servers/engine/usage';
import { createServerKeys } from '@etcd-compute/api/compute/servers/state/server-keys';
import type { ServerStore } from '@etcd-compute/api/compute/servers/state/server-store';
import type { Entry } from '@etcd-compute/common/etcd/store';
import { expect, test } from 'vitest';

const keys = createServerKeys('/compute/');
// Of a store, planning needs the keys alone.
const servers = { store: { keys } as ServerStore }; // eslint-disable-line typescript/no-unsafe-type-assertion -- see above
const names = usageKeys(servers, 'shop');
const one = { instances: 1, cores: 1, ram: 64 };

const entryOf = (key: string, value: object): Entry => ({
  key,
  value: JSON.stringify(value),
  createRevision: '7',
  modRevision: '7',
  lease: '0',
});
const quota = (index: 1 | 2, instances: number): Entry =>
  entryOf(names[index] ?? '', {
    version: 1,
    id: index === 1 ? 'class/default' : 'project/shop',
    limits: { instances },
  });

test('what a project uses is compared with the limits that it was planned by, so that none of them can be lowered meanwhile', () => {
  const counts = [entryOf(names[0] ?? '', { version: 1, ...one }), undefined, quota(2, 2)];
  const { guards } = planUsage(servers, { project: 'shop', counts, from: NOTHING, to: one });
  expect(guards).toEqual([
    { key: '/compute/usage/shop', modRevision: '7' },
    { key: '/compute/state/quota/class/default', modRevision: '0' },
    { key: '/compute/state/quota/project/shop', modRevision: '7' },
  ]);
});

test.each([
  ['its own limit', [undefined, quota(2, 0)]],
  ['the limit of all projects', [quota(1, 0), undefined]],
])('a project that would use more than %s is refused', (_what, quotas) => {
  const plan = () => planUsage(servers, { project: 'shop', counts: [undefined, ...quotas], from: NOTHING, to: one });
  expect(plan).toThrow('Quota exceeded for instances');
});

test('its own limit counts more than that of all projects', () => {
  const counts = [undefined, quota(1, 0), quota(2, 1)];
  expect(planUsage(servers, { project: 'shop', counts, from: NOTHING, to: one }).writes).toHaveLength(1);
});
