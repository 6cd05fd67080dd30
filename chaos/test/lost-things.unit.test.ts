import { findLost } from '@etcd-compute/chaos/lost-things';
import type { WorldHost } from '@etcd-compute/chaos/world';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';

const [host, instance] = [newProviderUuid(), newInstanceUuid()];
const domain: WorldHost['domains'][number] = {
  uuid: instance,
  name: instance,
  state: 'running',
  isOurs: true,
  interfaces: [],
};
const guest: WorldHost = {
  host,
  agentPid: 1,
  domains: [domain],
  disks: [`${instance}.img`],
  files: [],
  images: { contents: [], useless: [] },
  backings: new Map(),
  reserved: undefined,
  filter: undefined,
};
const allocations = [{ host, consumer: instance, resources: { VCPU: 1 } }];

test.each<[string, { hosts?: WorldHost[]; allocations?: typeof allocations }]>([
  ['domain', { hosts: [{ ...guest, domains: [] }] }],
  ['domain', { hosts: [{ ...guest, domains: [{ ...domain, state: 'shut-off' }] }] }],
  ['disk', { hosts: [{ ...guest, disks: [] }] }],
  ['allocation', { allocations: [] }],
])('a guest that has lost its %s is told', (thing, now) => {
  const before = { hosts: [guest], allocations };
  expect(findLost(before, before)).toEqual([]);
  expect(findLost(before, { ...before, ...now })).toEqual([
    { rule: 'taken from a guest', instance, what: expect.stringMatching(new RegExp(`^${thing} .*${instance}`)) },
  ]);
});
