import { findRisenAttempts } from '@etcd-compute/chaos/invariants/attempts';
import type { Story } from '@etcd-compute/chaos/ledger';
import type { OperationKind } from '@etcd-compute/chaos/operation-kinds';
import type { Attempt } from '@etcd-compute/chaos/operations';
import type { World } from '@etcd-compute/chaos/world';
import { diskUuidSchema, newInstanceUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';
import {
  allocation,
  busyHost,
  domain,
  EMPTY,
  FAULT,
  foreign,
  foreignAllocations,
  foreignDomainOf,
  FORGOTTEN,
  hostA,
  hostB,
  IMAGE,
  instance,
  location,
  quietHost,
  record,
  request,
  rulesBroken,
  STOPPED,
  WISHED,
  withHostA,
  withRecord,
  world,
} from './healthy-world.js';

test('a world in which all is well breaks no rule', () => {
  expect(rulesBroken({})).toEqual([]);
});

test('a destroyed instance, and one that could not be built, break no rule either', () => {
  expect(rulesBroken({ ...EMPTY, ...withRecord({ state: 'deleted' }) }, { destroy: 'accepted' })).toEqual([]);
  expect(rulesBroken({ ...EMPTY, ...WISHED, ...withRecord({ state: 'error', fault: FAULT }) })).toEqual([]);
  expect(rulesBroken(FORGOTTEN, { boot: 'refused', instance: undefined })).toEqual([]);
  expect(rulesBroken({ ...EMPTY, ...shelvedFrom(IMAGE) })).toEqual([]);
});

test('a wish that was replaced while it was carried out may have left the guest as it wanted it', () => {
  const off = withHostA({ domains: [foreignDomainOf(hostA), { ...domain, state: 'shut-off' }] });
  const paused = { kind: 'pause', count: 2, at: '2026-01-01T00:00:00Z', fault: FAULT };
  const suspended = {
    ...off,
    booted: new Map<string, string>(),
    ...withRecord({ state: 'suspended', wish_count: 2, outcomes: [paused] }),
  };
  expect(rulesBroken(suspended, { attempts: [attempt('suspend'), attempt('pause-and-wait')] })).toEqual([]);
  expect(rulesBroken(suspended, { attempts: [attempt('stop'), attempt('pause-and-wait')] })).toEqual(['not as wished']);
  const told = { ...suspended, ...withRecord({ state: 'suspended', wish_count: 2, outcomes: [STOPPED, paused] }) };
  expect(rulesBroken(told, { attempts: [attempt('suspend'), attempt('stop')] })).toEqual(['not as wished']);
});

test.each([
  ['reboot', FAULT, []],
  ['pause', FAULT, ['not as wished']],
  ['reboot', null, ['not as wished']],
] as const)('a %s that has failed may have left the guest off, if it stops it on its way', (kind, fault, rules) => {
  const off = withHostA({ domains: [foreignDomainOf(hostA), { ...domain, state: 'shut-off' }] });
  const outcomes = [{ kind, count: 1, at: '2026-01-01T00:00:00Z', fault }];
  const left = { ...off, booted: new Map(), ...withRecord({ state: 'stopped', wish_count: 1, outcomes }) };
  expect(rulesBroken(left)).toEqual(rules);
});

const attempt = (kind: OperationKind): Attempt => ({
  operation: { atMs: 0, kind, name: 'c1-1', image: 'image-0' },
  startedAt: new Date(0),
  durationMs: 0,
  code: 0,
  signal: null,
  isHung: false,
  stdout: '',
  stderr: '',
});

/** @param sha256 of its copy. */
const shelvedFrom = (sha256: string): Partial<World> => {
  const source = { host: hostA, id: newInstanceUuid(), key: '' };
  const copies = [{ disk: diskUuidSchema.parse(instance), sha256, source }];
  return { ...WISHED, requests: [{ ...request, copies }], ...withRecord({ state: 'shelved' }) };
};

const TAKEN = { address: '10.46.0.6', family: 'ipv4', mac: null, source: 'lease' } as const;

const second = newInstanceUuid();
const ended = { ...EMPTY, ...withRecord({ state: 'deleted' }) };
const cases: readonly (readonly [
  what: string,
  rules: readonly string[],
  world: Partial<World>,
  told?: Partial<Story>,
])[] = [
  ['attempts that only the request has', ['attempts differ'], { requests: [{ ...request, attemptsLeft: 2 }] }],
  ['an accepted boot without a record', ['request lost'], FORGOTTEN],
  ['a refused boot that is there', ['refused and booted'], {}, { boot: 'refused' }],
  ['an instance deleted that nobody destroyed', ['request lost'], ended],
  ['an accepted destroy that is not done', ['destroy lost'], {}, { destroy: 'accepted' }],
  ['a shelved instance whose copy is gone', ['copy lost'], { ...EMPTY, ...shelvedFrom('2'.repeat(64)) }],
  [
    'a shelved instance that holds room',
    ['allocation left'],
    { ...EMPTY, ...shelvedFrom(IMAGE), allocations: [...foreignAllocations, allocation] },
  ],
  ['an error without a fault', ['error without a reason'], { ...EMPTY, ...WISHED, ...withRecord({ state: 'error' }) }],
  [
    'a domain lost',
    ['wrong fault'],
    {
      ...EMPTY,
      ...WISHED,
      ...withRecord({ state: 'error', fault: { ...FAULT, code: 'ECOMPUTE_DOMAIN_LOST' } }),
    },
  ],
  [
    'a build that does not end',
    ['allocation left', 'booted key left', 'disk left', 'domain left', 'file left', 'not settled'],
    withRecord({ state: 'building' }),
  ],
  ['a request that outlives its instance', ['request left'], { ...ended, ...WISHED }, { destroy: 'accepted' }],
  [
    'a record that nobody wishes',
    ['record without request'],
    { ...EMPTY, requests: [], ...withRecord({ state: 'error', fault: FAULT }) },
  ],
  [
    'a record on another host than its request',
    ['wrong host'],
    { ...EMPTY, ...WISHED, ...withRecord({ state: 'error', fault: FAULT, host: hostB }) },
  ],
  ['a request without a record', ['request without record'], { ...EMPTY, ...WISHED, records: [] }, { boot: 'unknown' }],
  [
    'a location on another host than the instance',
    ['untrue location'],
    { locations: new Map([[instance, { ...location, host: hostB }]]) },
  ],
  ['an instance without a location', ['name left', 'untrue location'], { locations: new Map() }],
  [
    'a location of what is forgotten',
    ['location left'],
    { ...FORGOTTEN, locations: world.locations },
    { boot: 'refused' },
  ],
  ['an instance that cannot be found by its name', ['name lost'], { names: [] }],
  [
    'a name that another instance has',
    ['name left', 'name lost'],
    { names: [{ project: 'default', name: 'c1-1', instance: second }] },
  ],
  ['the name of what is gone', ['name left'], { ...ended, names: world.names }, { destroy: 'accepted' }],
  ['an end that is not noted', ['books open'], { ...ended, endings: [instance] }, { destroy: 'accepted' }],
  [
    'an active instance that does not run',
    ['untrue record'],
    withHostA({ domains: [foreignDomainOf(hostA), { ...domain, state: 'shut-off' }] }),
  ],
  [
    'a stopped instance that runs',
    ['not as wished', 'untrue record'],
    { ...withRecord({ state: 'stopped' }), booted: new Map() },
  ],
  [
    'a domain that nobody wishes',
    ['domain left'],
    {
      ...ended,
      hosts: [
        { ...quietHost(hostA), filter: busyHost.filter, domains: [foreignDomainOf(hostA), domain] },
        quietHost(hostB),
      ],
    },
    { destroy: 'accepted' },
  ],
  [
    'a stop that was not carried out',
    ['wish lost'],
    { requests: [{ ...request, wishes: [{ kind: 'stop', count: 2, args: {} }] }] },
  ],
  [
    'an allocation that nobody wishes',
    ['allocation left'],
    { ...ended, allocations: [...foreignAllocations, allocation] },
    { destroy: 'accepted' },
  ],
  [
    'an allocation on the wrong host',
    ['allocation left', 'request without allocation'],
    { allocations: [...foreignAllocations, { ...allocation, host: hostB }] },
  ],
  ['an instance without an allocation', ['request without allocation'], { allocations: foreignAllocations }],
  [
    'an allocation of another size',
    ['wrong allocation'],
    { allocations: [...foreignAllocations, { ...allocation, resources: { VCPU: 2 } }] },
  ],
  ['a disk that nobody wishes', ['disk left'], withHostA({ disks: [`${instance}.img`, `${second}.img`] })],
  ['a disk that was removed', ['disk left'], withHostA({ disks: [`${instance}.img`, `${instance}.${second}.img`] })],
  ['an instance without its disk', ['disk lost'], withHostA({ disks: [] })],
  ['a console log or a config drive that nobody wishes', ['file left'], withHostA({ files: [`${second}.log`] })],
  [
    'an instance on two hosts',
    ['on two hosts'],
    { hosts: [busyHost, { ...quietHost(hostB), filter: busyHost.filter, domains: [foreignDomainOf(hostB), domain] }] },
  ],
  [
    'an instance wished on two hosts',
    ['disk lost', 'request without allocation', 'untrue location', 'wished on two hosts'],
    { requests: [request, { ...request, host: hostB }] },
  ],
  [
    'an address given twice',
    ['address twice'],
    withHostA({ domains: [foreignDomainOf(hostA), domain, { ...domain, uuid: second, isOurs: false }] }),
  ],
  [
    'a booted key of what is gone',
    ['booted key left'],
    { ...ended, booted: new Map([[instance, '10.46.0.5']]) },
    { destroy: 'accepted' },
  ],
  ['a booted key with another address', ['untrue booted key'], { booted: new Map([[instance, '10.46.0.6']]) }],
  [
    'a running guest with an address of another MAC',
    ['untrue address'],
    { ...withRecord({ addresses: [TAKEN] }), booted: new Map([[instance, TAKEN.address]]) },
  ],
  [
    'a running guest with an address too many',
    ['untrue address'],
    withRecord({ addresses: [...record.addresses, TAKEN] }),
  ],
  ['a running guest without an address', ['untrue address'], { ...withRecord({ addresses: [] }), booted: new Map() }],
  [
    'an address of a guest that is gone',
    ['address while off'],
    { ...EMPTY, ...withRecord({ state: 'deleted', addresses: [TAKEN] }) },
    { destroy: 'accepted' },
  ],
  [
    'a booted key of a guest that is off',
    ['untrue booted key'],
    {
      ...withRecord({ state: 'stopped', wish_count: 1, outcomes: [STOPPED] }),
      requests: [{ ...request, wishes: [{ kind: 'stop', count: 1, args: {} }] }],
      hosts: [{ ...busyHost, domains: [foreignDomainOf(hostA), { ...domain, state: 'shut-off' }] }, quietHost(hostB)],
    },
  ],
  ['an agent that is away', ['agent away'], { presences: new Map([[hostA, 1]]) }],
  [
    'a host that cannot work',
    ['host in trouble'],
    { troubles: new Map([[hostA, { code: 'libvirt-hangs', since: '2026-01-01T00:00:00Z', message: 'it hangs' }]]) },
  ],
  ['a presence of another process', ['agent away'], { presences: new Map([...world.presences, [hostB, 2]]) }],
  [
    'a finding of an audit',
    ['audit finding'],
    { findings: new Map([[hostA, [{ kind: 'disk-without-request', instance, detail: '', since: '' }]]]) },
  ],
  ['a key of somebody else changed', ['foreign thing touched'], { otherKeys: new Map([[foreign.key, 'changed']]) }],
  ['a key that is nobody’s', ['key left'], { otherKeys: new Map([...world.otherKeys, ['/left', '']]) }],
  [
    'a foreign domain stopped',
    ['foreign thing touched'],
    withHostA({ domains: [domain, { ...foreignDomainOf(hostA), state: 'shut-off' }] }),
  ],
  ['a foreign domain removed', ['foreign thing touched'], withHostA({ domains: [domain] })],
  [
    'a foreign allocation released',
    ['foreign thing touched'],
    { allocations: [allocation, ...foreignAllocations.slice(1)] },
  ],
];

test.each(cases.map(([what, rules, changes, told]) => ({ what, rules, changes, told })))(
  '$what is found',
  ({ rules, changes, told }) => {
    expect(rulesBroken(changes, told)).toEqual(rules);
  },
);

test('attempts may fall from one look to the next, and never rise', () => {
  const seen = new Map<string, number>();
  const look = (attemptsLeft: number): string[] =>
    findRisenAttempts({ requests: [{ ...request, attemptsLeft }] }, seen).map(({ what }) => what);
  expect([5, 5, 3, 4, 3].map(look)).toEqual([[], [], [], ['3 were left, and now it is 4'], []]);
});
