import { createApiLedger, type ApiLedger } from '@etcd-compute/chaos/api/api-ledger';
import type { ApiState } from '@etcd-compute/chaos/world/read-api';
import type { World } from '@etcd-compute/chaos/world';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import { expect, test } from 'vitest';
import { EMPTY, FAULT, FORGOTTEN, hostA, instance, rulesBroken, WISHED, withRecord } from '../healthy-world.js';
import { aServer, aState, created, project, withApi } from './a-server.js';

const second = newInstanceUuid();
const DELETED = { deleting_at: created.started_at, deleted_at: created.started_at };
const NOTHING_USED = { usage: new Map() };
const told = (changes: Partial<ApiLedger>): Partial<ApiLedger> => ({ ...createApiLedger(), ...changes });
const ACCEPTED = told({ creates: new Map([['s1-1', { least: 1, most: 1, answer: 'accepted' }]]) });
const GONE = { ...EMPTY, ...withRecord({ state: 'deleted' }) };
const NOT_PLACED = { code: 500, message: 'No valid host was found.', created_at: created.started_at };

test('servers that are well break no rule, nor do deleted ones and those that no host took', () => {
  expect(rulesBroken(withApi(), {}, ACCEPTED)).toEqual([]);
  const deleted = { ...withApi(aState({ server: DELETED, ...NOTHING_USED })), ...GONE };
  expect(rulesBroken(deleted, { destroy: 'accepted' }, { ...ACCEPTED, deletesAsked: new Set([instance]) })).toEqual([]);
  const failed = aState({ server: { is_placed: false, fault: NOT_PLACED } });
  expect(rulesBroken({ ...FORGOTTEN, api: failed }, { boot: 'unknown' }, ACCEPTED)).toEqual([]);
});

const anImage = (changes: object): ReturnType<ApiState['images']>[number] => ({
  version: 1,
  id: 'image-1',
  owner: project,
  name: 'one',
  status: 'active',
  visibility: 'private',
  protected: false,
  hidden: false,
  disk_format: 'raw',
  container_format: 'bare',
  min_disk: 0,
  min_ram: 0,
  tags: [],
  properties: {},
  created_at: 0,
  updated_at: 0,
  ...changes,
});
const SHA256 = '3'.repeat(64);
const blob = { sha256: SHA256, sha512: '3'.repeat(128), md5: '3'.repeat(32), size: 1, virtual_size: 1, server: hostA };
const withImages = (...images: ReturnType<ApiState['images']>): Partial<World> =>
  withApi(aState({ images: () => images }));

const cases: readonly (readonly [
  what: string,
  rules: readonly string[],
  world: Partial<World>,
  told?: Partial<ApiLedger>,
])[] = [
  [
    'an accepted server without a record',
    ['server lost', 'wrong usage'],
    { api: aState({ servers: new Map() }) },
    ACCEPTED,
  ],
  [
    'a server deleted that nobody deleted',
    ['server lost'],
    { ...withApi(aState({ server: DELETED, ...NOTHING_USED })), ...GONE },
    ACCEPTED,
  ],
  [
    'a refused server that is there',
    ['refused and made'],
    withApi(),
    told({ creates: new Map([['s1-1', { least: 1, most: 1, answer: 'refused' }]]) }),
  ],
  ['an accepted delete that is not done', ['delete lost'], withApi(), told({ deletesAccepted: new Set([instance]) })],
  [
    'fewer servers than were accepted',
    ['server lost'],
    withApi(aState({ server: { name: 's1-1-1' } })),
    told({ creates: new Map([['s1-1', { least: 2, most: 3, answer: 'accepted' }]]) }),
  ],
  ['an instance without a server', ['instance without server', 'wrong usage'], withApi(aState({ servers: new Map() }))],
  [
    'an instance of a deleted server',
    ['instance without server'],
    withApi(aState({ server: DELETED, ...NOTHING_USED })),
  ],
  ['a server without an instance', ['server stuck', 'server without instance'], { ...FORGOTTEN, api: aState() }],
  [
    'a server in error for no reason',
    ['error without a reason'],
    { ...FORGOTTEN, api: aState({ server: { is_placed: false } }) },
  ],
  [
    'a server whose instance is in error for no reason',
    ['error without a reason'],
    { ...EMPTY, ...WISHED, ...withApi(), ...withRecord({ state: 'error' }) },
  ],
  ['a delete that does not end', ['server stuck'], withApi(aState({ server: { deleting_at: created.started_at } }))],
  [
    'an action that does not end',
    ['server stuck'],
    withApi(aState({ server: { actions: [{ ...created, action: 'reboot', count: 5, finished_at: null }] } })),
  ],
  ['usage that is not the sum', ['wrong usage'], withApi(aState(NOTHING_USED))],
  ['usage of what is gone', ['wrong usage'], { api: aState({ servers: new Map() }) }],
  ['a member of no group', ['not in its group'], withApi(aState({ server: { group: 'g' } }))],
  ['a member that is gone', ['member left'], withApi(aState({ members: new Map([['g', { [second]: hostA }]]) }))],
  ['a record that cannot be read', ['record not readable'], withApi(aState({ unreadable: ['key: why'] }))],
  ['an image that waits for ever', ['image stuck'], withImages(anImage({ status: 'saving' }))],
  ['a snapshot that is followed for ever', ['image stuck'], withApi(aState({ orders: () => ['image-1'] }))],
  ['a content that is nowhere', ['content lost'], withImages(anImage({ blob }))],
  ['a content of no image', ['content left'], { contents: new Map([['/contents', [`${SHA256}.img`]]]) }],
  ['a part of an upload', ['content left'], { contents: new Map([['/contents', ['a.b.part']]]) }],
  ['an image that was taken and is gone', ['image lost'], withApi(), told({ uploaded: new Set(['image-1']) })],
  [
    'an image that was deleted and is there',
    ['delete lost'],
    withImages(anImage({})),
    told({ deletesAccepted: new Set(['image-1']) }),
  ],
];

test.each(cases.map(([what, rules, changes, byApi]) => ({ what, rules, changes, byApi })))(
  '$what is found',
  ({ rules, changes, byApi }) => {
    const boot = 'unknown';
    expect(rulesBroken(changes, { boot, destroy: 'unknown' }, byApi)).toEqual(rules);
  },
);

test('an image whose content is there, in any folder, breaks no rule', () => {
  const contents = new Map([
    ['/one', []],
    ['/two', [`${SHA256}.img`]],
  ]);
  expect(rulesBroken({ ...withImages(anImage({ blob })), contents })).toEqual([]);
});

test('what a client has asked a server for may be what a replaced wish has left', () => {
  const paused = { kind: 'pause', count: 2, at: created.started_at, fault: FAULT };
  const off = { ...withApi(), ...withRecord({ state: 'suspended', wish_count: 2, outcomes: [paused] }) };
  const rules = (byApi: Partial<ApiLedger>): string[] => rulesBroken(off, {}, byApi);
  expect(rules({})).toContain('not as wished');
  expect(rules({ wishes: new Map([[instance, ['suspend']]]) })).not.toContain('not as wished');
  expect(aServer().id).toBe(instance);
});
