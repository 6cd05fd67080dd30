import { createApiJudge } from '@etcd-compute/chaos/api/api-judge';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { instanceUuidSchema, newInstanceUuid, newProviderUuid } from '@etcd-compute/common/ids';
import type { Server } from '@etcd-compute/api/compute/servers/state/server-record';
import { expect, test } from 'vitest';
import { aServer, FLAVOR, project } from './a-server.js';

const keys = createKeys('');
const [one, two, hostA, hostB] = [newInstanceUuid(), newInstanceUuid(), newProviderUuid(), newProviderUuid()];

/** Takes revisions one after the other. @returns the rules that the last one breaks. */
const createJudge = () => {
  const judge = createApiJudge({ keys });
  let revision = 0;
  return (...puts: readonly (readonly [key: string, value: object | undefined])[]): string[] => {
    revision += 1;
    for (const [key, value] of puts)
      judge.take({ key, value: value && JSON.stringify(value), modRevision: String(revision) });
    return judge.judge().map(({ rule }) => rule);
  };
};

const server = (id: string, changes: Partial<Server> = {}) =>
  [`${keys.compute}servers/${project}/${id}`, aServer({ id, ...changes })] as const;
const usage = (instances: number) =>
  [`${keys.compute}usage/${project}`, { version: 1, instances, cores: instances, ram: 64 * instances }] as const;
const quota = (instances: number) =>
  [
    `${keys.compute}state/quota/project/${project}`,
    { version: 1, id: `project/${project}`, limits: { instances } },
  ] as const;
const group = (policy: string) =>
  [
    `${keys.compute}state/server_group/g`,
    { version: 1, id: 'g', project, user: 'u', name: 'g', policy, created_at: 0 },
  ] as const;
const request = (id: string, host: typeof hostA) => [keys.request(host, instanceUuidSchema.parse(id)), {}] as const;

test('usage that is written with its server is right, and apart from it is not', () => {
  const judge = createJudge();
  expect(judge(server(one), usage(1))).toEqual([]);
  expect(judge(server(two))).toEqual(['wrong usage']);
  expect(judge(usage(2))).toEqual([]);
  expect(judge([server(two)[0], undefined], usage(1))).toEqual([]);
});

test('a server between two flavors counts with the larger one', () => {
  const judge = createJudge();
  const flavor = { ...FLAVOR, vcpus: 3 };
  expect(judge(server(one, { resize: { phase: 'resizing', flavor } }), usage(1))).toEqual(['wrong usage']);
});

test('usage rises to the limit, and no further; a limit that is lowered takes nothing away', () => {
  const judge = createJudge();
  expect(judge(quota(1))).toEqual([]);
  expect(judge(server(one), usage(1))).toEqual([]);
  expect(judge(server(two), usage(2))).toEqual(['quota exceeded']);
  expect(judge(quota(0))).toEqual([]);
  expect(judge([server(two)[0], undefined], usage(1))).toEqual([]);
});

const report = (id: string, host: typeof hostA, state: string) =>
  [keys.report(host, instanceUuidSchema.parse(id)), { state }] as const;

test('a shelved server is on no host, and on one again from the transaction on that unshelves it', () => {
  const judge = createJudge();
  const own = { group: 'g' };
  expect(judge(group('anti-affinity'), server(one, own), usage(1), request(one, hostA))).toEqual([]);
  expect(judge(report(one, hostA, 'shelved'))).toEqual([]);
  expect(judge(server(two, own), usage(2), request(two, hostA))).toEqual([]);
  expect(judge(request(one, hostA), report(one, hostA, 'scheduled'))).toEqual(['group not apart']);
  const moved = [request(one, hostB), report(one, hostB, 'scheduled')] as const;
  expect(judge(...moved, [request(one, hostA)[0], undefined], [report(one, hostA, '')[0], undefined])).toEqual([]);
});

test.each([
  ['anti-affinity', hostA, ['group not apart']],
  ['anti-affinity', hostB, []],
  ['affinity', hostA, []],
  ['affinity', hostB, ['group not together']],
  ['soft-affinity', hostB, []],
] as const)('%s: a second server beside the first, or not', (policy, host, rules) => {
  const judge = createJudge();
  const own = { group: 'g' };
  expect(judge(group(policy), server(one, own), usage(1), request(one, hostA))).toEqual([]);
  expect(judge(server(two, own), usage(2), request(two, host))).toEqual(rules);
  // One that is deleted is in nobody's way.
  const at = '2026-01-01T00:00:00.000Z';
  expect(judge(server(two, { ...own, deleted_at: at }), usage(1))).toEqual([]);
});
