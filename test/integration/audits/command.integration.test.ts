import { randomUUID } from 'node:crypto';
import { newRecord, withState, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, newProviderUuid, type InstanceUuid, type ProviderUuid } from '@etcd-compute/common/ids';
import { waitFor } from '@etcd-compute/testing/wait-for';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hasPlacementService } from '../fixtures/counting.js';
import { parseJson, startCloud, startPlacementFront, type TestCloud } from '../fixtures/eschedule-fixture.js';

/** `eschedule audit` on a real etcd and Placement; what agents report is written by the test. */
let cloud: TestCloud;
beforeAll(async () => {
  cloud = await startCloud();
});
afterEach(async () => cloud.reset());
afterAll(async () => cloud.stop());

const ALLOCATION = 'allocation-without-request';
const RESOURCES = { VCPU: 1, MEMORY_MB: 64, DISK_GB: 1 };
const USER = randomUUID();

/** Says what Placement answers. */
const callPlacement = async (method: string, path: string, body?: unknown): Promise<number> => {
  const response = await fetch(cloud.placementServer.endpoint + path, {
    method,
    headers: {
      'x-auth-token': 'admin',
      'openstack-api-version': 'placement 1.39',
      'content-type': 'application/json',
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  await response.text();
  return response.status;
};

const allocateFor = async (
  consumer: InstanceUuid,
  host: ProviderUuid,
  { type = 'INSTANCE', resources = RESOURCES }: { type?: string; resources?: Record<string, number> } = {},
): Promise<void> => {
  const status = await callPlacement('PUT', `/allocations/${consumer}`, {
    allocations: { [host]: { resources } },
    user_id: USER,
    project_id: USER,
    consumer_generation: null,
    consumer_type: type,
  });
  expect(status).toBe(204);
};

const putRequest = async (host: ProviderUuid, instance: InstanceUuid, changes: object = {}): Promise<void> => {
  const allocations = { [host]: { resources: RESOURCES } };
  const ids = { user_id: USER, project_id: USER, consumer_generation: null };
  const request = { allocations, ...ids, instance, image: 'http://images.example/a', ...changes };
  await cloud.put(cloud.keys.request(host, instance), JSON.stringify(request));
};

const putRecord = async (
  host: ProviderUuid,
  instance: InstanceUuid,
  state: InstanceRecord['state'],
): Promise<InstanceRecord> => {
  const now = new Date();
  const fresh = newRecord({ instance, host, name: null, resources: RESOURCES, image: null, reason: 'placed', now });
  const record = withState({ ...fresh, session: null }, state, { reason: `now ${state}`, now });
  await cloud.put(cloud.keys.report(host, instance), JSON.stringify(record));
  return record;
};

/** An instance as it should be: request, record, allocation and address. */
const putWhole = async (host: ProviderUuid): Promise<InstanceUuid> => {
  const instance = newInstanceUuid();
  await allocateFor(instance, host);
  await putRequest(host, instance);
  await putRecord(host, instance, 'active');
  await cloud.put(cloud.keys.booted(instance), '10.45.0.9');
  return instance;
};

const putReport = async (
  host: ProviderUuid,
  findings: readonly { kind: string; instance: InstanceUuid }[] = [],
  { inSeconds = 0 }: { inSeconds?: number } = {},
): Promise<void> => {
  const at = new Date(Date.now() + inSeconds * 1000).toISOString();
  const full = findings.map((finding) => ({ ...finding, detail: 'seen', since: at }));
  const report = { version: 1, host, session: randomUUID(), at, findings: full };
  await cloud.put(cloud.keys.audit(host), JSON.stringify(report));
};

interface View {
  readonly kind: string;
  readonly instance: string | null;
  readonly host: string | null;
  readonly agent: string | null;
  readonly state: string;
  readonly remedy: string;
}

/** Nothing is too young here unless a test says so: Placement tells times in whole seconds. */
const runAudit = async (...argv: string[]): Promise<{ code: number | null; found: View[]; stderr: string }> => {
  const { code, stdout, stderr } = await cloud.eschedule(['audit', '--grace', '0.001', '-o', 'json', ...argv]);
  const found: unknown = stdout === '' ? [] : parseJson(stdout);
  if (!Array.isArray(found)) throw new Error(`no list: ${stdout}`);
  return { code, found, stderr };
};

const kindsIn = (found: readonly View[]): string[] => found.map(({ kind }) => kind);

const exists = async (key: string): Promise<boolean> => (await cloud.store.get(key)) !== undefined;

/** All that etcd and Placement hold, but for revisions and generations. */
const listWorld = async (): Promise<string[]> => {
  const { entries } = await cloud.store.list('/');
  return [...entries.map(({ key, value }) => `${key} ${value}`), ...(await cloud.listAllocations()).toSorted()];
};

/** Waits until what was allocated is a second old: Placement counts whole ones. */
const outlast = async (grace = '0.001'): Promise<void> => {
  await waitFor(async () => !(await cloud.eschedule(['audit', '--grace', grace])).stderr.includes('younger than'), {
    what: 'allocations to be old enough',
  });
};

describe('nothing amiss', () => {
  test('exits 0 for an empty cloud, and for one with instances in each state', async () => {
    expect(await runAudit()).toMatchObject({ code: 0, found: [] });
    const host = await cloud.addHost({ name: 'one' });
    await putReport(host);
    await putWhole(host);
    const [failed, destroyed, remembered] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
    await putRequest(host, failed);
    await putRecord(host, failed, 'error');
    await putRequest(host, destroyed, { allocations: {}, image: null });
    await putRecord(host, destroyed, 'deleting');
    await putRecord(host, remembered, 'deleted');
    await outlast();
    expect(await runAudit('--fix', '--wait')).toMatchObject({ code: 0, found: [], stderr: '' });
  });
});

describe('an allocation without a request', () => {
  test('is found, and released by --fix; one within the grace is left alone and told', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const whole = await putWhole(host);
    const orphan = newInstanceUuid();
    await allocateFor(orphan, host);
    await putReport(host, [{ kind: ALLOCATION, instance: orphan }], { inSeconds: 1 });
    const young = await cloud.eschedule(['audit', '--fix']);
    expect(young).toMatchObject({ code: 0, stdout: '' });
    expect(young.stderr).toContain('1 allocation without a request is younger than 300 s');
    await outlast();
    expect(await runAudit()).toMatchObject({
      code: 3,
      found: [{ kind: 'allocation-without-request', instance: orphan, host, agent: 'up', state: 'found' }],
    });
    expect(await cloud.allocationsOn(host)).toContain(orphan);
    expect(await runAudit('--fix')).toMatchObject({ code: 4, found: [{ instance: orphan, state: 'fixed' }] });
    expect(await cloud.allocationsOn(host)).toEqual([whole]);
    expect(await runAudit('--fix')).toMatchObject({ code: 0 });
  });

  test('of others is never touched: another consumer type, a provider that is no host of ours', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const theirs = await cloud.addHost({ name: 'nova', agent: 'none' });
    const [migration, guest, ours] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
    await allocateFor(migration, host, { type: 'MIGRATION' });
    await allocateFor(guest, theirs);
    await allocateFor(ours, theirs);
    await putRecord(theirs, ours, 'deleted'); // known to be an instance of ours
    await outlast();
    expect(await runAudit('--fix')).toMatchObject({ code: 4, found: [{ instance: ours }] });
    expect((await cloud.listAllocations()).toSorted()).toEqual([migration, guest].toSorted());
  });

  test('on a host that is down is found by the report that it left', async () => {
    const host = await cloud.addHost({ name: 'one', agent: 'none' });
    const orphan = newInstanceUuid();
    await allocateFor(orphan, host);
    await putReport(host, [{ kind: ALLOCATION, instance: orphan }], { inSeconds: 1 });
    await outlast();
    const { code, found, stderr } = await runAudit('--fix');
    expect({ code, found }).toMatchObject({ code: 4, found: [{ instance: orphan, agent: 'down', state: 'fixed' }] });
    expect(stderr).toMatch(/the agent of host one-.* is down: what it holds is known as of 20/);
  });

  test.runIf(hasPlacementService)(
    'is not released when its request comes between the look and the release',
    async () => {
      const host = await cloud.addHost({ name: 'one' });
      const orphan = newInstanceUuid();
      await allocateFor(orphan, host);
      await putReport(host, [{ kind: ALLOCATION, instance: orphan }], { inSeconds: 1 });
      await outlast();
      let reads = 0;
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        beforeReply: async (method, path): Promise<'send'> => {
          // Each of the two looks reads it once; the third is that of the release.
          if (method === 'GET' && path === `/allocations/${orphan}`) reads += 1;
          if (reads === 3 && path === `/allocations/${orphan}` && method === 'GET') await putRequest(host, orphan);
          return 'send';
        },
      });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      const { code, stdout } = await cloud.eschedule(['audit', '--fix', '--grace', '0.001', '-o', 'json'], { config });
      expect(code).toBe(1);
      const changed = { state: 'failed', remedy: 'it changed in this moment; audit again' };
      expect(parseJson(stdout)).toMatchObject([{ instance: orphan, ...changed }]);
      expect(await cloud.allocationsOn(host)).toEqual([orphan]);
    },
  );
});

describe('a request without an allocation', () => {
  test.runIf(hasPlacementService)(
    'that only one of the two looks sees is none: others are at work between two questions',
    async () => {
      const host = await cloud.addHost({ name: 'one' });
      await putReport(host);
      await putWhole(host);
      let asked = 0;
      await using front = await startPlacementFront(cloud.placementServer.endpoint, {
        answer: (_method, path) => {
          if (path !== `/resource_providers/${host}/allocations`) return undefined;
          asked += 1;
          // As it was before the instance was booted.
          return asked === 1
            ? { status: 200, body: '{"allocations": {}, "resource_provider_generation": 1}' }
            : undefined;
        },
      });
      const config = await cloud.writeConfig({ placement: front.endpoint });
      expect(await cloud.eschedule(['audit', '--fix'], { config })).toMatchObject({ code: 0, stdout: '' });
      expect(asked).toBe(2);
    },
  );

  test('gets it again, also one of the original without a record', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = await putWhole(host);
    await cloud.capacity.release(instance);
    const original = newInstanceUuid();
    await putRequest(host, original);
    const before = await runAudit();
    expect(before.code).toBe(3);
    expect(kindsIn(before.found)).toEqual(['request-without-allocation', 'request-without-allocation']);
    const after = await runAudit('--fix');
    expect(after).toMatchObject({ code: 4, found: [{ state: 'fixed' }, { state: 'fixed' }] });
    for (const uuid of [instance, original])
      expect((await cloud.getAllocations(uuid)).allocations).toMatchObject({ [host]: { resources: RESOURCES } });
    expect(await runAudit()).toMatchObject({ code: 0 });
  });

  test('is told to a person when there is no room', async () => {
    const host = await cloud.addHost({ name: 'one', vcpus: 1 });
    const instance = await putWhole(host);
    await cloud.capacity.release(instance);
    const other = await putWhole(host);
    const { code, found } = await runAudit('--fix');
    expect(code).toBe(1);
    expect(found).toMatchObject([{ instance, state: 'failed' }]);
    expect(found[0]?.remedy).toMatch(/VCPU.*destroy it, or make room on its host/s);
    expect(await cloud.allocationsOn(host)).toEqual([other]);
  });

  test.runIf(hasPlacementService)('that is destroyed while it gets it again holds nothing in the end', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = await putWhole(host);
    await cloud.capacity.release(instance);
    await using front = await startPlacementFront(cloud.placementServer.endpoint, {
      beforeReply: async (method, path): Promise<'send'> => {
        if (method === 'PUT' && path === `/allocations/${instance}`) {
          const key = cloud.keys.request(host, instance);
          const entry = await cloud.store.get(key);
          // Its agent looked for an allocation before, and is done.
          if (entry) await cloud.store.txn([{ key, modRevision: entry.modRevision }], [{ op: 'delete', key }]);
          await putRecord(host, instance, 'deleted');
        }
        return 'send';
      },
    });
    const config = await cloud.writeConfig({ placement: front.endpoint });
    expect(await cloud.eschedule(['audit', '--fix'], { config })).toMatchObject({ code: 4 });
    expect(await cloud.allocationsOn(host)).toEqual([]);
  });
});

describe('what agents report', () => {
  const KINDS = ['console-log-without-request', 'disk-without-request', 'domain-without-request'];

  test('is asked to be removed by one wish; --wait ends when the agent has removed it', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = newInstanceUuid();
    await putReport(
      host,
      KINDS.map((kind) => ({ kind, instance })),
    );
    const before = await runAudit();
    expect(before.code).toBe(3);
    expect(kindsIn(before.found)).toEqual(KINDS);
    const running = cloud.run(['audit', '--fix', '--remove-guests', '--wait', '-o', 'json']);
    const wish = await cloud.waitForRequest();
    expect(wish).toEqual({ host, instance });
    const entry = await cloud.store.get(cloud.keys.request(host, instance));
    expect(parseJson(entry?.value ?? '')).toMatchObject({ allocations: {}, instance, image: null });
    const key = cloud.keys.request(host, instance);
    await cloud.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'delete', key }]);
    const { code, stdout } = await running.finished;
    expect(code).toBe(4);
    expect(parseJson(stdout)).toMatchObject(KINDS.map((kind) => ({ kind, state: 'fixed' })));
  });

  test('is asked for once: while it is being removed there is nothing to be found', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = newInstanceUuid();
    await putReport(host, [{ kind: 'domain-without-request', instance }]);
    expect(await runAudit('--fix', '--remove-guests')).toMatchObject({ code: 4, found: [{ state: 'asked' }] });
    const before = await listWorld();
    expect(await runAudit('--fix', '--remove-guests')).toMatchObject({ code: 0, found: [] });
    expect(await listWorld()).toEqual(before);
  });

  test('of an agent that does not act within --timeout, or is down, is not fixed', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = newInstanceUuid();
    await putReport(host, [{ kind: 'domain-without-request', instance }]);
    const late = await runAudit('--fix', '--remove-guests', '--wait', '--timeout', '0.2');
    expect(late).toMatchObject({
      code: 1,
      found: [{ state: 'failed', remedy: expect.stringContaining('within 0.2 s') }],
    });
    const down = await cloud.addHost({ name: 'two', agent: 'none' });
    await putReport(down, [{ kind: 'disk-without-request', instance: newInstanceUuid() }]);
    const { code, found } = await runAudit('--fix', '--remove-guests', '--host', down);
    expect({ code, found }).toMatchObject({ code: 1, found: [{ agent: 'down', state: 'failed' }] });
    expect(found[0]?.remedy).toContain('its agent is down');
  });

  test('of an instance that is wished for by now, or lives elsewhere, does no harm to it', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const other = await cloud.addHost({ name: 'two' });
    const here = await putWhole(host);
    const elsewhere = await putWhole(other);
    await putReport(host, [
      { kind: 'domain-without-request', instance: here },
      { kind: 'disk-without-request', instance: elsewhere },
    ]);
    const before = await listWorld();
    const { code, found } = await runAudit('--fix');
    expect({ code, found }).toMatchObject({ code: 1, found: [{ instance: elsewhere, state: 'failed' }] });
    expect(found[0]?.remedy).toContain(`lives on host ${other}`);
    expect(await listWorld()).toEqual(before);
  });

  test('a guest is kept until a person says otherwise; then it takes its record, allocation and address along', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = await putWhole(host);
    const key = cloud.keys.request(host, instance);
    const entry = await cloud.store.get(key);
    await cloud.store.txn([{ key, modRevision: entry?.modRevision ?? '0' }], [{ op: 'delete', key }]);
    await putReport(host, [{ kind: 'domain-without-request', instance }]);
    await outlast();
    const world = await listWorld();
    const kept = await runAudit('--fix');
    expect(kept).toMatchObject({ code: 1, found: [{ state: 'failed' }, { state: 'failed' }, { state: 'failed' }] });
    expect(kept.found[1]?.remedy).toContain('to destroy it with its disk: --fix --remove-guests');
    expect(await listWorld()).toEqual(world);
    const { code, found } = await runAudit('--fix', '--remove-guests');
    expect({ code, kinds: kindsIn(found) }).toEqual({
      code: 4,
      kinds: ['allocation-without-request', 'domain-without-request', 'record-without-request'],
    });
    expect(found.map(({ state }) => state)).toEqual(['asked', 'asked', 'asked']);
    expect(await cloud.getRecord(instance)).toMatchObject({ state: 'active' }); // the agent's to change
    expect(await cloud.allocationsOn(host)).toEqual([instance]);
  });
});

describe('keys that stand for nothing', () => {
  test('a record without a request, an address without an instance: removed, and nothing else', async () => {
    const host = await cloud.addHost({ name: 'one' });
    await putReport(host);
    await putWhole(host);
    const before = await listWorld();
    const [record, address, both] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
    await putRecord(host, record, 'active');
    await cloud.put(cloud.keys.booted(address), '10.45.0.10');
    await putRecord(host, both, 'scheduled');
    await cloud.put(cloud.keys.booted(both), '10.45.0.11');
    const { code, found } = await runAudit();
    expect(code).toBe(3);
    expect(kindsIn(found).toSorted()).toEqual([
      'address-without-instance',
      'record-without-request',
      'record-without-request',
    ]);
    expect(await runAudit('--fix')).toMatchObject({ code: 4 });
    expect(await listWorld()).toEqual(before);
  });

  test('the address of an instance of the original is none of them', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const instance = newInstanceUuid();
    await allocateFor(instance, host);
    await putRequest(host, instance);
    await cloud.put(cloud.keys.booted(instance), '10.45.0.9');
    expect(await runAudit('--fix')).toMatchObject({ code: 0 });
  });

  test('a record whose request is at another host is a person’s to judge', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const other = await cloud.addHost({ name: 'two' });
    const instance = newInstanceUuid();
    await allocateFor(instance, other);
    await putRequest(other, instance);
    await putRecord(host, instance, 'active');
    const before = await listWorld();
    const { code, found } = await runAudit('--fix');
    expect({ code, kinds: kindsIn(found) }).toEqual({ code: 1, kinds: ['record-without-request'] });
    expect(await listWorld()).toEqual(before);
  });

  test('requests of a host that does not exist: removed where no agent ever had them', async () => {
    const gone = newProviderUuid();
    const [placed, claimed] = [newInstanceUuid(), newInstanceUuid()];
    await putRequest(gone, placed);
    await putRecord(gone, placed, 'scheduled');
    await putRequest(gone, claimed);
    await putReport(newProviderUuid());
    const record = await putRecord(gone, claimed, 'active');
    await cloud.put(cloud.keys.report(gone, claimed), JSON.stringify({ ...record, session: randomUUID() }));
    const { code, found } = await runAudit('--fix');
    expect(code).toBe(1);
    expect(found.filter(({ state }) => state === 'failed')).toMatchObject([
      { kind: 'request-without-host', instance: claimed, remedy: expect.stringContaining('--force') },
    ]);
    expect(kindsIn(found).toSorted()).toEqual(['report-without-host', 'request-without-host', 'request-without-host']);
    const { entries } = await cloud.store.list('/');
    const left = entries.map(({ key }) => key).filter((key) => !key.startsWith(cloud.keys.placement));
    expect(left).toEqual([cloud.keys.request(gone, claimed), cloud.keys.report(gone, claimed)]);
  });

  test('values that are not understood are told, and stay', async () => {
    const host = await cloud.addHost({ name: 'one' });
    const [request, record, foreign] = [newInstanceUuid(), newInstanceUuid(), newInstanceUuid()];
    await allocateFor(request, host);
    await cloud.put(cloud.keys.request(host, request), '{"version":9}');
    await cloud.put(cloud.keys.report(host, record), '{"version":9}');
    await cloud.put(cloud.keys.booted(record), '10.45.0.9');
    await cloud.put(`/booted/${foreign.toUpperCase()}`, 'theirs');
    await cloud.put('/instances/notes', 'theirs');
    await outlast();
    const before = await listWorld();
    const { code, stderr } = await runAudit('--fix');
    expect(code).toBe(0);
    expect(stderr).toContain(`the value of etcd key ${cloud.keys.report(host, record)} is not understood`);
    expect(await listWorld()).toEqual(before);
  });
});

describe('the command', () => {
  test('prints a table, yaml and names, and only one host when asked', async () => {
    const one = await cloud.addHost({ name: 'one' });
    const two = await cloud.addHost({ name: 'two' });
    const [first, second] = [newInstanceUuid(), newInstanceUuid()];
    await putRecord(one, first, 'active');
    await putRecord(two, second, 'active');
    const table = await cloud.eschedule(['audit']);
    expect(table.code).toBe(3);
    expect(table.stdout).toMatch(/^KIND +INSTANCE +HOST +AGENT +STATE +REMEDY\n/);
    expect(table.stdout).toContain('record-without-request');
    expect(table.stderr).toContain('the agent of host one has not reported yet what is on its host');
    expect((await cloud.eschedule(['audit', '-o', 'yaml'])).stdout).toContain('kind: record-without-request');
    const named = await cloud.eschedule(['audit', '-o', 'name', '--host', 'two']);
    expect(named).toMatchObject({ code: 3, stdout: `${second}\n` });
    expect(await cloud.eschedule(['audit', '--fix', '--host', one])).toMatchObject({ code: 4 });
    expect(await exists(cloud.keys.report(one, first))).toBe(false);
    expect(await exists(cloud.keys.report(two, second))).toBe(true);
    const unknown = await cloud.eschedule(['audit', '--host', 'three']);
    expect(unknown).toMatchObject({ code: 1, stdout: '' });
    expect(unknown.stderr).toContain("there is no host 'three'");
    expect(await cloud.eschedule(['audit', '--wait'])).toMatchObject({ code: 2 });
  });

  test('three at once with --fix: all is mended once, and boots beside them are not robbed', async () => {
    const host = await cloud.addHost({ name: 'one', vcpus: 64 });
    const orphans = Array.from({ length: 5 }, () => newInstanceUuid());
    for (const orphan of orphans) await allocateFor(orphan, host);
    const reported = orphans.map((instance) => ({ kind: ALLOCATION, instance }));
    await putReport(host, reported, { inSeconds: 6 });
    for (const orphan of orphans) await putRecord(host, orphan, 'active');
    await outlast('5');
    const boots = Array.from({ length: 4 }, async () => cloud.eschedule(['boot', '--no-wait', '-o', 'name']));
    const audits = Array.from({ length: 3 }, async () => cloud.eschedule(['audit', '--fix', '--grace', '5']));
    for (const { code } of await Promise.all(audits)) expect([0, 1, 4]).toContain(code);
    const booted = (await Promise.all(boots)).map(({ stdout }) => stdout.trim());
    expect((await cloud.allocationsOn(host)).toSorted()).toEqual(booted.toSorted());
    expect(await cloud.eschedule(['audit', '--grace', '0.001'])).toMatchObject({ code: 0 });
  });
});
