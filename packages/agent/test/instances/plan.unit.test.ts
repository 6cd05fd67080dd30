import type { DomainState } from '@etcd-compute/agent/domains/domain';
import { planInstance, type Plan } from '@etcd-compute/agent/instances/plan';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { canBecome, INSTANCE_STATES, type InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import { ACTIONS } from '@etcd-compute/common/wishes/kinds';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { aBootRequest, aDestroyRequest, aFault, anAddress, aRecord, ELSEWHERE, HERE } from './builders.js';

const aStep = { name: 'release-room', since: '', progress: null };
const aLostDomain = { ...aFault, code: 'ECOMPUTE_DOMAIN_LOST', step: null };
const DOMAINS: readonly DomainState[] = ['absent', 'running', 'paused', 'saved', 'shut-off', 'crashed', 'foreign'];

const HOST = { host: HERE, bootId: 'this boot', isDraining: false } as const;

const plan = (request: BootRequest | undefined, record: InstanceRecord | undefined, domain: DomainState): Plan =>
  planInstance({ request, record, domain, missingDevices: [], hasLeftovers: false }, { ...HOST, resumesGuests: true });

const boot = aBootRequest();
const elsewhere = aBootRequest({ allocations: { [ELSEWHERE]: { resources: { VCPU: 1 } } } });

const anyDomain = fc.constantFrom(...DOMAINS);
const anyRecord = fc
  .record({
    state: fc.constantFrom(...INSTANCE_STATES),
    fault: fc.constantFrom(null, aFault, aLostDomain),
    addresses: fc.constantFrom([], [anAddress]),
    host: fc.constantFrom(HERE, HERE, ELSEWHERE),
  })
  .map(({ addresses, ...members }) => aRecord({ ...members, addresses: [...addresses] }));
const wish = (kind: string, count = 1): BootRequest => aBootRequest({ wishes: [{ kind, count, args: {} }] });

const renamed = aBootRequest({ name: 'another' });
const locked = aBootRequest({ locked: { reason: 'mine' } });

const anyRequest = fc.constantFrom(
  boot,
  aDestroyRequest(),
  elsewhere,
  renamed,
  locked,
  ...Object.keys(ACTIONS).map((kind) => wish(kind)),
);

describe('planInstance', () => {
  test.each([
    ['nothing to go on', boot, undefined, 'absent', 'build'],
    ['scheduled', boot, aRecord(), 'absent', 'build'],
    ['scheduled, and the domain is there already', boot, aRecord(), 'running', 'build'],
    ['building', boot, aRecord({ state: 'building' }), 'shut-off', 'build'],
    ['building, and failed', boot, aRecord({ state: 'building', fault: aFault }), 'shut-off', 'undo'],
    ['deleted before, wished again', boot, aRecord({ state: 'deleted' }), 'absent', 'build'],
    ['active without an address', boot, aRecord({ state: 'active' }), 'running', 'refresh-guest'],
    ['active', boot, aRecord({ state: 'active', addresses: [anAddress] }), 'running', 'refresh-guest'],
    ['active, and the domain is gone', boot, aRecord({ state: 'active' }), 'absent', 'report-lost'],
    ['stopped, and the domain is gone', boot, aRecord({ state: 'stopped' }), 'absent', 'report-lost'],
    ['active, and the domain is not ours', boot, aRecord({ state: 'active' }), 'foreign', 'report-lost'],
    ['active, and renamed since', renamed, aRecord({ state: 'active' }), 'running', 'report-edits'],
    [
      'of an agent that did not report interfaces',
      boot,
      aRecord({ state: 'stopped', nics: null }),
      'shut-off',
      'report-nics',
    ],
    [
      'the same, and something is asked',
      wish('add-nic'),
      aRecord({ state: 'active', nics: null }),
      'running',
      'report-nics',
    ],
    ['stopped, and locked since', locked, aRecord({ state: 'stopped' }), 'shut-off', 'report-edits'],
    ['lost, and renamed since', renamed, aRecord({ state: 'active' }), 'absent', 'report-lost'],
    ['stopped, and shut off', boot, aRecord({ state: 'stopped' }), 'shut-off', 'nothing'],
    ['error', boot, aRecord({ state: 'error' }), 'absent', 'nothing'],
    ['domain lost', boot, aRecord({ state: 'error', fault: aLostDomain }), 'absent', 'nothing'],
    [
      'domain lost, and another’s is there',
      boot,
      aRecord({ state: 'error', fault: aLostDomain }),
      'foreign',
      'nothing',
    ],
    ['failed, and a domain is there', boot, aRecord({ state: 'error', fault: aFault }), 'running', 'nothing'],
    ['deleting, and wished again', boot, aRecord({ state: 'deleting' }), 'absent', 'delete'],
    ['another host’s record', boot, aRecord({ host: ELSEWHERE, state: 'active' }), 'running', 'nothing'],
    ['another host’s deleted record', boot, aRecord({ host: ELSEWHERE, state: 'deleted' }), 'absent', 'build'],
    ['allocated elsewhere', elsewhere, undefined, 'absent', 'refuse'],
    ['allocated elsewhere, refused before', elsewhere, aRecord({ state: 'error' }), 'absent', 'nothing'],
    ['allocated elsewhere, deleting', elsewhere, aRecord({ state: 'deleting' }), 'absent', 'delete'],
    ['shelved', boot, aRecord({ state: 'shelved' }), 'absent', 'nothing'],
    ['shelved, and renamed since', renamed, aRecord({ state: 'shelved' }), 'absent', 'report-edits'],
    ['shelved, and asked for more', wish('start'), aRecord({ state: 'shelved' }), 'absent', 'refuse-wish'],
    ['shelved, and its domain is there', boot, aRecord({ state: 'shelved' }), 'running', 'report'],
    ['being shelved', wish('shelve'), aRecord({ state: 'active', step: aStep }), 'absent', 'carry-out'],
    ['to be shelved, and the domain is gone', wish('shelve'), aRecord({ state: 'active' }), 'absent', 'report-lost'],
    [
      'being stopped, and the domain is gone',
      wish('stop'),
      aRecord({ state: 'active', step: aStep }),
      'absent',
      'report-lost',
    ],
    ['no request', undefined, aRecord({ state: 'active' }), 'running', 'nothing'],
  ] as const)('%s', (...[, request, record, domain, action]) => {
    expect(plan(request, record, domain).action).toBe(action);
  });

  test.each([
    ['active', 'shut-off', 'stopped', 'the guest was shut off'],
    ['active', 'crashed', 'stopped', 'the guest crashed'],
    ['active', 'saved', 'suspended', 'the guest was suspended'],
    ['suspended', 'shut-off', 'stopped', 'the guest was shut off'],
    ['suspended', 'running', 'active', 'the guest was started'],
    ['stopped', 'running', 'active', 'the guest was started'],
  ] as const)('%s with a domain that is %s is reported as %s', (...[state, domain, next, reason]) => {
    expect(plan(boot, aRecord({ state }), domain)).toEqual({ action: 'report', state: next, reason });
  });

  test.each([
    ['running', 'active'],
    ['paused', 'active'],
    ['saved', 'suspended'],
    ['shut-off', 'stopped'],
    ['crashed', 'stopped'],
  ] as const)('a lost domain that is there again, %s, makes its instance %s', (domain, state) => {
    const lost = aRecord({ state: 'error', fault: aLostDomain });
    expect(plan(boot, lost, domain)).toEqual({ action: 'report', state, reason: 'its domain is there again' });
  });

  test.each(['active', 'stopped', 'suspended'] as const)('a wish is carried out on a guest that is %s', (state) => {
    for (const domain of ['running', 'paused', 'saved', 'shut-off', 'crashed'] as const)
      expect(plan(wish('stop'), aRecord({ state }), domain)).toMatchObject({
        action: 'carry-out',
        wish: { kind: 'stop', count: 1 },
      });
  });

  test('wishes are carried out once, in order; only then what the guest does counts', () => {
    const carriedOut = aRecord({ state: 'active', wish_count: 3, addresses: [anAddress] });
    expect(plan(wish('start', 3), carriedOut, 'shut-off')).toMatchObject({ action: 'report', state: 'stopped' });
    expect(plan(wish('stop', 3), carriedOut, 'running').action).toBe('refresh-guest');
    const [five, four] = [5, 4].map((count) => ({ kind: 'stop', count, args: {} }));
    const two = aBootRequest({ wishes: [five, four].flatMap((one) => one ?? []) });
    expect(plan(two, carriedOut, 'running')).toMatchObject({ action: 'carry-out', wish: { count: 4 } });
  });

  test('what an earlier version asked for is read as what it says', () => {
    const old = aBootRequest({ power: { wish: 'rebooted', count: 2, hard: true } });
    const action = { action: 'carry-out', wish: { kind: 'reboot', count: 2, args: { hard: true } } };
    expect(plan(old, aRecord({ state: 'active', wish_count: 1 }), 'running')).toEqual(action);
    expect(plan(old, aRecord({ state: 'active', wish_count: 2 }), 'running').action).toBe('refresh-guest');
  });

  test.each(['scheduled', 'building', 'error'] as const)('no wish is carried out while the record says %s', (state) => {
    expect(plan(wish('stop'), aRecord({ state }), 'running').action).not.toBe('carry-out');
  });

  test('what a failed build has left is cleaned up; what was refused or lost is none of that', () => {
    const clean = (record: InstanceRecord, hasLeftovers: boolean): Plan =>
      planInstance(
        { request: boot, record, domain: 'running', missingDevices: [], hasLeftovers },
        { ...HOST, resumesGuests: true },
      );
    const failed = aRecord({ state: 'error', fault: aFault });
    expect(clean(failed, true).action).toBe('clean-up');
    expect(clean(failed, false).action).toBe('nothing');
    expect(clean(aRecord({ state: 'error', fault: { ...aFault, step: null } }), true).action).toBe('nothing');
    expect(clean(aRecord({ state: 'error', fault: aLostDomain }), true).action).toBe('report');
  });

  test('a drained host declines what is new, and goes on with all that was begun or built', () => {
    const look = (record: InstanceRecord | undefined, domain: DomainState, request = boot): string =>
      planInstance(
        { request, record, domain, missingDevices: [], hasLeftovers: false },
        { ...HOST, resumesGuests: true, isDraining: true },
      ).action;
    for (const record of [undefined, aRecord(), aRecord({ state: 'deleted' })])
      expect(look(record, 'absent')).toBe('decline');
    // etcd was restored from a backup: the guest is older than its record.
    expect(look(aRecord(), 'running')).toBe('build');
    expect(look(undefined, 'running')).toBe('adopt');
    expect(look(aRecord({ state: 'building' }), 'absent')).toBe('build');
    expect(look(aRecord({ state: 'active' }), 'running')).toBe('refresh-guest');
    expect(look(aRecord({ state: 'stopped' }), 'shut-off', wish('start'))).toBe('carry-out');
    expect(look(aRecord(), 'absent', aDestroyRequest())).toBe('delete');
  });

  test('after a boot of the host, what ran is started again unless the config says no; what was stopped stays so', () => {
    const ran = aRecord({ state: 'active', boot_id: 'the boot before', addresses: [anAddress] });
    const look = (record: InstanceRecord, domain: DomainState, resumesGuests = true): Plan =>
      planInstance(
        { request: boot, record, domain, missingDevices: [], hasLeftovers: false },
        { ...HOST, resumesGuests },
      );
    expect(look(ran, 'shut-off')).toMatchObject({ action: 'start-again', task: 'start' });
    expect(look(ran, 'paused')).toMatchObject({ action: 'start-again', task: 'start' });
    expect(look(ran, 'shut-off', false)).toMatchObject({ action: 'report', state: 'stopped' });
    expect(look({ ...ran, state: 'stopped' }, 'shut-off').action).toBe('nothing');
    expect(look(ran, 'running')).toMatchObject({ action: 'report', state: 'active' });
    expect(look({ ...ran, boot_id: 'this boot' }, 'shut-off')).toMatchObject({ action: 'report', state: 'stopped' });
  });

  test('a destroy is carried out whatever there is, unless the record is another host’s', () => {
    fc.assert(
      fc.property(fc.option(anyRecord, { nil: undefined }), anyDomain, (record, domain) => {
        const isTheirs = record?.host === ELSEWHERE && record.state !== 'deleted';
        expect(plan(aDestroyRequest(), record, domain).action).toBe(isTheirs ? 'nothing' : 'delete');
      }),
    );
  });

  test('another host’s instance is never acted on', () => {
    fc.assert(
      fc.property(anyRequest, anyRecord, anyDomain, (request, record, domain) => {
        const theirs = { ...record, host: ELSEWHERE, state: record.state === 'deleted' ? 'active' : record.state };
        expect(plan(request, { ...record, ...theirs }, domain).action).toBe('nothing');
      }),
    );
  });

  test('what it plans is a transition that the record can make', () => {
    fc.assert(
      fc.property(anyRequest, anyRecord, anyDomain, (request, record, domain) => {
        const next = plan(request, record, domain);
        const states = {
          nothing: [],
          'refresh-guest': [],
          'carry-out': ['active', 'stopped', 'suspended'],
          'refuse-wish': [],
          'start-again': ['active', 'stopped', 'suspended'],
          refuse: ['error'],
          build: ['building'],
          decline: ['building'],
          adopt: [],
          undo: ['error'],
          delete: ['deleting'],
          'clean-up': [],
          report: [next.action === 'report' ? next.state : 'active'],
          'report-lost': ['error'],
          'report-edits': [],
          'report-nics': [],
          'report-devices': [],
        } as const;
        for (const state of states[next.action]) expect(canBecome(record.state, state)).toBe(true);
      }),
    );
  });

  test('a world that is as wished needs nothing but a look at addresses, and every report leads there', () => {
    const isSettled = /^(nothing|refresh-guest)$/;
    const settled = [
      [aRecord({ state: 'active', addresses: [anAddress] }), 'running'],
      [aRecord({ state: 'stopped' }), 'shut-off'],
      [aRecord({ state: 'stopped' }), 'crashed'],
      [aRecord({ state: 'suspended' }), 'saved'],
      [aRecord({ state: 'error', fault: aFault }), 'absent'],
    ] as const;
    for (const [record, domain] of settled) expect(plan(boot, record, domain).action).toMatch(isSettled);
    fc.assert(
      fc.property(fc.constantFrom('active', 'stopped', 'suspended'), anyDomain, (state, domain) => {
        const record = aRecord({ state, addresses: [anAddress] });
        const first = plan(boot, record, domain);
        const after = first.action === 'report' ? { ...record, state: first.state } : record;
        const lost = first.action === 'report-lost' ? aRecord({ state: 'error' }) : after;
        expect(plan(boot, lost, domain).action).toMatch(isSettled);
      }),
    );
  });

  test('devices that a domain lacks are told once, and once that they are back; another fault goes first', () => {
    const look = (record: InstanceRecord, missingDevices: readonly string[]): Plan =>
      planInstance(
        { request: boot, record, domain: 'shut-off', missingDevices, hasLeftovers: false },
        { ...HOST, resumesGuests: true },
      );
    const whole = aRecord({ state: 'stopped' });
    const first = look(whole, ['disk a']);
    const fault = { code: 'ECOMPUTE_DEVICE_MISSING', message: 'the domain lacks disk a', step: null };
    expect(first).toMatchObject({ action: 'report-devices', fault });
    const told = { ...whole, fault: first.action === 'report-devices' ? first.fault : null };
    expect(look(told, ['disk a']).action).toBe('nothing');
    expect(look(told, ['disk a', 'disk b'])).toMatchObject({ fault: { message: 'the domain lacks disk a, disk b' } });
    expect(look(told, [])).toEqual({ action: 'report-devices', fault: null });
    expect(look({ ...whole, fault: aFault }, ['disk a']).action).toBe('nothing');
    expect(look({ ...told, state: 'active' }, ['disk a']).action).toBe('report');
  });
});
