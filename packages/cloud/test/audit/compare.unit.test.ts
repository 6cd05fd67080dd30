import { createKeys } from '@etcd-compute/common/etcd/keys';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import type { HostAudit } from '@etcd-compute/common/etcd/messages/host-audit';
import { newRecord, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import {
  diskUuidSchema,
  newInstanceUuid,
  newProviderUuid,
  newSessionUuid,
  type InstanceUuid,
  type ProviderUuid,
} from '@etcd-compute/common/ids';
import type { Held } from '@etcd-compute/common/capacity/capacity';
import { compare } from '@etcd-compute/cloud/audit/compare';
import type { Finding } from '@etcd-compute/cloud/audit/finding';
import type { Seen } from '@etcd-compute/cloud/audit/seen';
import type { SeenAgent } from '@etcd-compute/cloud/hosts/presences';
import { describe, expect, test } from 'vitest';

const host = newProviderUuid();
const instance = newInstanceUuid();
const resources = { VCPU: 1 };
const NOW = new Date('2026-01-01T01:00:00Z');
const secondsAgo = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

const anAgent = (of: ProviderUuid): SeenAgent => ({
  host: of,
  hostname: 'one',
  session: newSessionUuid(),
  state: 'up',
  trouble: null,
  agent_version: '1',
  started_at: NOW.toISOString(),
});

/** A host of ours that is up and holds nothing. */
const aWorld = (changes: Partial<Seen>): Seen => ({
  presences: new Map([[host, anAgent(host)]]),
  reports: new Map(),
  requests: [],
  records: [],
  locations: new Map(),
  names: [],
  endings: new Map(),
  booted: new Map(),
  providers: new Map([[host, 'one']]),
  holders: new Map([[host, []]]),
  orphans: new Map(),
  placementTime: NOW,
  problems: [],
  copies: [],
  ...changes,
});

const aRequest = (changes: Partial<BootRequest> = {}, on = host): Seen['requests'][number] => {
  const value = { allocations: { [on]: { resources } }, instance, image: 'http://images.example/a', ...changes };
  return { host: on, instance, modRevision: '7', value };
};

const aRecord = (changes: Partial<InstanceRecord>): Seen['records'] => {
  const value = newRecord({ instance, host, name: null, resources, image: null, reason: 'placed', now: NOW });
  const record = { ...value, ...changes };
  const key = createKeys('').report(record.host, instance);
  return [{ instance, host: record.host, key, value: record, modRevision: '8' }];
};

const aHolder = (changes: Partial<Held> = {}): Pick<Seen, 'holders' | 'orphans'> => {
  const allocations = { [host]: { resources } };
  const held = {
    allocations,
    generation: 1,
    userId: 'someone',
    projectId: 'default',
    consumerType: 'INSTANCE',
    since: secondsAgo(600),
    ...changes,
  };
  return { holders: new Map([[host, [instance]]]), orphans: new Map([[instance, held]]) };
};

const aReport = (...kinds: string[]): Seen['reports'] => aReportAt(NOW, ...kinds);

const aReportAt = (time: Date, ...kinds: string[]): Seen['reports'] => {
  const at = time.toISOString();
  const findings = kinds.map((kind) => ({ kind, instance, detail: '', since: at }));
  const value: HostAudit = { version: 1, host, session: newSessionUuid(), at, findings, left_out: 0 };
  return new Map([[host, { value, modRevision: '9' }]]);
};

const OPTIONS = { keys: createKeys(''), graceSeconds: 300, isRemovingGuests: false };

const find = (changes: Partial<Seen>, options: Partial<typeof OPTIONS> = {}): readonly Finding[] =>
  compare(aWorld(changes), { ...OPTIONS, ...options }).findings;
const tell = (...args: Parameters<typeof find>): string[] =>
  find(...args).map(({ kind, mend }) => `${kind}: ${mend.by}`);

/** Its agent has seen it too, and no guest. */
const reports = aReport('allocation-without-request');

describe('an allocation', () => {
  test('without a request is released when it is older than the grace, by Placement’s clock', () => {
    expect(tell({ ...aHolder(), reports })).toEqual(['allocation-without-request: release']);
    const young = compare(aWorld({ ...aHolder({ since: secondsAgo(299) }), reports }), OPTIONS);
    expect(young).toEqual({ findings: [], young: 1 });
    expect(tell({ ...aHolder(), placementTime: undefined })).toEqual(['allocation-without-request: person']);
  });

  test('is ours by its type and its host, or by a record', () => {
    expect(tell({ ...aHolder({ consumerType: 'MIGRATION' }), reports })).toEqual([]);
    expect(tell({ ...aHolder(), presences: new Map() })).toEqual([]);
    expect(tell({ ...aHolder(), presences: new Map(), records: aRecord({ state: 'deleted' }) })).toEqual([
      'allocation-without-request: release',
    ]);
  });

  test('is kept unless its agent has reported, late enough, that no guest uses it', () => {
    const kept = ['allocation-without-request: person'];
    expect(tell(aHolder())).toEqual(kept);
    expect(tell({ ...aHolder(), reports: aReport() })).toEqual(kept);
    expect(tell({ ...aHolder(), reports: aReportAt(secondsAgo(301), 'allocation-without-request') })).toEqual(kept);
    expect(
      tell({ ...aHolder(), reports: aReport('allocation-without-request', 'disk-without-request') }).slice(1),
    ).toEqual(kept);
  });
});

describe('a request', () => {
  test('with its allocation is as it should be', () => {
    const { holders } = aHolder();
    expect(tell({ requests: [aRequest()], holders, records: aRecord({ state: 'active' }) })).toEqual([]);
  });

  test('without one is allocated for again, unless its instance has given it back', () => {
    expect(tell({ requests: [aRequest()] })).toEqual(['request-without-allocation: allocate']);
    expect(tell({ requests: [aRequest()], records: aRecord({ state: 'error' }) })).toEqual([]);
    expect(tell({ requests: [aRequest({ allocations: {} })] })).toEqual([]);
  });

  test('whose host could not build it is moved on while it has attempts, and never had a guest', () => {
    const fault = { code: 'ECOMPUTE_DISK_FAILED', message: 'full', step: 'create-disk', hint: null, retryable: true };
    const tellFailed = (attempts_left: number, changes: Partial<InstanceRecord> = {}): string[] => {
      const retry = { attempts_left, query: 'resources=VCPU:1', strategy: 'spread', failed_hosts: [] };
      return tell({ requests: [aRequest({ retry })], records: aRecord({ state: 'error', fault, ...changes }) });
    };
    expect(tellFailed(2)).toEqual(['failed-build: move-on']);
    expect(tellFailed(0)).toEqual([]);
    expect(tellFailed(2, { fault: { ...fault, retryable: false } })).toEqual([]);
    expect(tellFailed(2, { boot_id: 'a-boot' })).toEqual([]);
    // Its agent is at it.
    expect(tellFailed(2, { state: 'building' })).toEqual([]);
    expect(tell({ requests: [aRequest()], records: aRecord({ state: 'error', fault }) })).toEqual([]);
  });

  test('of one that is shelved needs no allocation: one that it holds is released', () => {
    const shelved = { requests: [aRequest()], records: aRecord({ state: 'shelved' }) };
    expect(tell(shelved)).toEqual([]);
    expect(tell({ ...aHolder(), ...shelved })).toEqual(['allocation-without-request: release']);
  });

  test('that is not understood stands all the same', () => {
    const request = { ...aRequest(), value: 'not-understood' as const };
    expect(
      tell({ requests: [request], records: aRecord({ state: 'active' }), booted: new Map([[instance, '5']]) }),
    ).toEqual([]);
  });

  test('of a host that does not exist is removed only when no agent ever had it', () => {
    const gone = newProviderUuid();
    const requests = [aRequest({}, gone)];
    expect(tell({ requests })).toEqual(['request-without-host: delete']);
    expect(tell({ requests, records: aRecord({ host: gone, state: 'scheduled' }) })).toEqual([
      'request-without-host: delete',
    ]);
    expect(tell({ requests, records: aRecord({ host: gone, state: 'active', session: newSessionUuid() }) })).toEqual([
      'request-without-host: person',
    ]);
    expect(tell({ requests: [aRequest({ allocations: {} }, gone)] })).toEqual(['request-without-host: delete']);
  });
});

describe('a record and an address', () => {
  test('without a request are removed, by what was seen', () => {
    const booted: Seen['booted'] = new Map<InstanceUuid, string>([[instance, '5']]);
    const keys = createKeys('');
    const [record] = find({ records: aRecord({ state: 'active' }), booted });
    expect(record).toMatchObject({ kind: 'record-without-request' });
    expect(record?.mend).toEqual({
      by: 'delete',
      keys: [keys.report(host, instance), keys.booted(instance)],
      guards: [
        { key: keys.request(host, instance), modRevision: '0' },
        { key: keys.report(host, instance), modRevision: '8' },
      ],
    });
    expect(tell({ booted })).toEqual(['address-without-instance: delete']);
    expect(tell({ booted, requests: [aRequest()], holders: aHolder().holders })).toEqual([]);
    expect(tell({ records: aRecord({ state: 'deleted' }) })).toEqual([]);
  });
});

describe('what an agent reports', () => {
  test('is removed by a wish, which is for all that belongs to the instance on that host', () => {
    expect(tell({ reports: aReport('console-log-without-request') })).toEqual(['console-log-without-request: wish']);
    const both = { ...aHolder(), reports: aReport('disk-without-request'), records: aRecord({ state: 'active' }) };
    expect(tell(both, { isRemovingGuests: true })).toEqual([
      'disk-without-request: wish',
      'allocation-without-request: wish',
      'record-without-request: wish',
    ]);
  });

  test('is kept with all that belongs to it when it is a guest or a disk, until a person says otherwise', () => {
    const guest = aReport('domain-without-request', 'console-log-without-request', 'allocation-without-request');
    expect(tell({ ...aHolder(), reports: guest, records: aRecord({ state: 'active' }) })).toEqual([
      'domain-without-request: person',
      'console-log-without-request: person',
      'allocation-without-request: person',
      'record-without-request: person',
    ]);
    expect(tell({ reports: aReport('disk-without-request') })).toEqual(['disk-without-request: person']);
  });

  test('is none when there is a request by now, or when eschedule sees it for itself', () => {
    const { holders } = aHolder();
    expect(tell({ reports: aReport('domain-without-request'), requests: [aRequest()], holders })).toEqual([]);
    expect(tell({ reports: aReport('allocation-without-request') })).toEqual([]);
  });

  test('of an instance that lives elsewhere, or of a kind that is not known, is left to a person', () => {
    const other = newProviderUuid();
    const elsewhere = {
      reports: aReport('disk-without-request'),
      records: aRecord({ host: other, state: 'active' }),
      requests: [aRequest({}, other)],
      providers: new Map([
        [host, 'one'],
        [other, 'two'],
      ]),
      holders: new Map([[other, [instance]]]),
    };
    expect(tell(elsewhere)).toEqual(['disk-without-request: person']);
    expect(tell({ reports: aReport('snapshot-without-request') })).toEqual(['snapshot-without-request: person']);
  });

  test('of a host that does not exist is removed itself', () => {
    const nowhere = { reports: aReport('domain-without-request'), providers: new Map(), presences: new Map() };
    expect(tell(nowhere)).toEqual(['report-without-host: delete']);
  });
});

describe('a copy of a shelved instance', () => {
  const copy = {
    version: 1,
    id: newInstanceUuid(),
    project: 'default',
    name: `shelved-${instance}`,
    host,
    sha256: '1'.repeat(64),
    bytes: 4096,
    virtual_bytes: 4096,
    instance,
    count: 3,
    is_consistent: true,
    created_at: NOW.toISOString(),
    key: `${'a'.repeat(43)}=`,
  } as const;
  const copies = [{ host, project: 'default', modRevision: '9', value: copy }];
  const named = (id: string): BootRequest['shelved'] => ({
    was_running: true,
    copies: [{ disk: diskUuidSchema.parse(instance), sha256: copy.sha256, source: { host, id, key: copy.key } }],
  });
  const tellCopy = (request: Partial<BootRequest> | undefined, record: Partial<InstanceRecord>, on = host): string[] =>
    tell({
      copies,
      requests: request ? [aRequest(request, on)] : [],
      records: request ? aRecord({ host: on, wish_count: 3, ...record }) : [],
      providers: new Map([
        [host, 'one'],
        [on, 'two'],
      ]),
      holders: new Map([[on, [instance]]]),
    });
  const other = newProviderUuid();

  test('stays while a request names it, wherever the instance is built, and while it is made', () => {
    expect(tellCopy({ shelved: named(copy.id) }, { state: 'shelved' })).toEqual([]);
    expect(tellCopy({ shelved: named(copy.id) }, { state: 'building' }, other)).toEqual([]);
    expect(tellCopy({}, { state: 'active', wish_count: 2 })).toEqual([]);
  });

  test('is forgotten when its instance is built again or gone, and when a later one has taken its place', () => {
    const left = ['copy-without-use: forget-copy'];
    expect(tellCopy({}, { state: 'active' }, other)).toEqual(left);
    expect(tellCopy({}, { state: 'stopped' })).toEqual(left);
    expect(tellCopy({ shelved: named(newInstanceUuid()) }, { state: 'shelved', wish_count: 5 })).toEqual(left);
    expect(tellCopy(undefined, {})).toEqual(left);
  });
});
