import { createApiLedger, type ApiLedger } from '@etcd-compute/chaos/api/api-ledger';
import type { Foreign } from '@etcd-compute/chaos/foreign';
import { findViolations } from '@etcd-compute/chaos/invariants/all';
import type { Story } from '@etcd-compute/chaos/ledger';
import type { World, WorldDomain, WorldHost, WorldRequest } from '@etcd-compute/chaos/world';
import { createApiReader } from '@etcd-compute/chaos/world/read-api';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { newLocation } from '@etcd-compute/common/etcd/messages/instance-location';
import { newRecord, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';

/** A world in which one instance runs on the first of two hosts and all is well; each case breaks one thing in it. */
export const [hostA, hostB] = [newProviderUuid(), newProviderUuid()];
export const instance = newInstanceUuid();
/** A digest. */
export const IMAGE = '1'.repeat(64);
const RESOURCES = { VCPU: 1, MEMORY_MB: 64 };
export const foreign: Foreign = {
  key: '/somebody-else/key',
  value: 'not ours',
  consumer: newInstanceUuid(),
  resources: { VCPU: 1 },
  domains: new Map([
    [hostA, newInstanceUuid()],
    [hostB, newInstanceUuid()],
  ]),
};

export const record: InstanceRecord = {
  ...newRecord({
    instance,
    host: hostA,
    name: 'c1-1',
    resources: RESOURCES,
    image: 'http://images.example/a',
    reason: 'placed',
    now: new Date(0),
  }),
  state: 'active',
  addresses: [{ address: '10.46.0.5', family: 'ipv4', mac: null, source: 'lease' }],
};
export const location = newLocation({
  instance,
  host: hostA,
  project: 'default',
  name: 'c1-1',
  created_at: record.created_at,
});
export const request: WorldRequest = {
  host: hostA,
  instance,
  isDestroy: false,
  allocations: { [hostA]: { resources: RESOURCES } },
  wishes: [],
  disks: [`${instance}.img`],
  attemptsLeft: 0,
  copies: [],
  checksum: undefined,
};
/** The outcome of a first wish. */
export const STOPPED = { kind: 'stop', count: 1, at: '2026-01-01T00:00:00Z', fault: null };
export const domain: WorldDomain = {
  uuid: instance,
  name: instance,
  state: 'running',
  isOurs: true,
  interfaces: [{ mac: '52:54:00:2e:00:05', port: 'ec0' }],
};
export const foreignDomainOf = (host: string): WorldDomain => ({
  uuid: foreign.domains.get(host) ?? '',
  name: 'foreign',
  state: 'running',
  isOurs: false,
  interfaces: [],
});
export const quietHost = (host: WorldHost['host']): WorldHost => ({
  host,
  agentPid: 1,
  domains: [foreignDomainOf(host)],
  disks: [],
  files: [],
  images: { contents: [IMAGE], useless: [] },
  backings: new Map(),
  reserved: new Map([['52:54:00:2e:00:05', '10.46.0.5']]),
  filter: new Map(),
});
/** The sets of the packet filter with elements of one port. */
export const filterOf = (address: string): NonNullable<WorldHost['filter']> => {
  const [port = '', mac = ''] = address.split(' . ');
  return new Map([
    ['ports', new Set([port])],
    ['macs', new Set([`${port} . ${mac}`])],
    ['addresses', new Set([address])],
    ['dhcp-clients', new Set([`${port} . 0 . 1`, `${port} . 1 . 1`])],
    ['link-locals', new Set([`${port} . ${mac} . fe80::1`])],
    ['nd-targets', new Set([`${port} . 1`])],
    ['other-ports', new Set<string>()],
  ]);
};
export const busyHost: WorldHost = {
  ...quietHost(hostA),
  domains: [foreignDomainOf(hostA), domain],
  disks: [`${instance}.img`],
  files: [`${instance}.log`],
  backings: new Map([[`${instance}.img`, IMAGE]]),
  filter: filterOf('ec0 . 52:54:00:2e:00:05 . 10.46.0.5'),
};
export const foreignAllocations = [hostA, hostB].map((host) => ({
  host,
  consumer: foreign.consumer,
  resources: foreign.resources,
}));
export const allocation = { host: hostA, consumer: instance, resources: RESOURCES };
export const world: World = {
  requests: [request],
  records: [record],
  locations: new Map([[instance, location]]),
  names: [{ project: 'default', name: 'c1-1', instance }],
  endings: [],
  booted: new Map([[instance, '10.46.0.5']]),
  presences: new Map([
    [hostA, 1],
    [hostB, 1],
  ]),
  troubles: new Map(),
  findings: new Map(),
  otherKeys: new Map([[foreign.key, foreign.value]]),
  allocations: [...foreignAllocations, allocation],
  counted: undefined,
  hosts: [busyHost, quietHost(hostB)],
  api: createApiReader(createKeys('')).state,
  contents: new Map(),
};
const story: Story = { name: 'c1-1', instance, boot: 'accepted', destroy: 'not-asked', attempts: [] };

/** The names of the rules that a change breaks. */
export const rulesBroken = (
  changes: Partial<World>,
  told: Partial<Story> = {},
  byApi: Partial<ApiLedger> = {},
): string[] => {
  const ledger = new Map([[story.name, { ...story, ...told }]]);
  const found = findViolations({
    world: { ...world, ...changes },
    ledger,
    foreign,
    told: { ...createApiLedger(), ...byApi },
  });
  return [...new Set(found.map(({ rule }) => rule))].toSorted((a, b) => a.localeCompare(b));
};
/** One that does not run has no address. */
export const withRecord = (changes: Partial<InstanceRecord>): Partial<World> => ({
  records: [{ ...record, ...(changes.state !== undefined && { addresses: [] }), ...changes }],
});
export const withHostA = (changes: Partial<WorldHost>): Partial<World> => ({
  hosts: [{ ...busyHost, ...changes }, quietHost(hostB)],
});
export const FAULT = { code: 'ECOMPUTE_DISK_FAILED', message: 'full', step: null, hint: null, retryable: true };
/** All that belongs to the instance is gone, but for its record and its location. */
export const EMPTY: Partial<World> = {
  requests: [],
  names: [],
  booted: new Map(),
  allocations: foreignAllocations,
  hosts: [quietHost(hostA), quietHost(hostB)],
};

export const WISHED: Partial<World> = { requests: [request], names: world.names };
export const FORGOTTEN: Partial<World> = { ...EMPTY, records: [], locations: new Map() };
