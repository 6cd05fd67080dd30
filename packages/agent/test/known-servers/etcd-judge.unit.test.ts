import { createEtcdJudge, type EtcdJudge } from '@etcd-compute/agent/known-servers/etcd-judge';
import type { EcomputeError } from '@etcd-compute/common/errors';
import { beforeEach, expect, test } from 'vitest';

let judge: EtcdJudge;
let changes: EcomputeError[];
beforeEach(() => {
  changes = [];
  judge = createEtcdJudge({ onChanged: (err) => changes.push(err) });
});

const reply = (clusterId: string, revision: string): void => judge.begin()({ clusterId, revision });

test('the first one that answers is taken, and from then on only that one', () => {
  reply('1', '5');
  reply('1', '5');
  reply('1', '18446744073709551615');
  expect(judge.seen()).toEqual({ clusterId: '1', revision: '18446744073709551615' });
  expect(() => reply('2', '18446744073709551616')).toThrow(/is another cluster .* its id is 2, not 1/);
  expect(changes).toMatchObject([{ code: 'ECOMPUTE_ETCD_CHANGED', details: { wentBack: false } }]);
});

test('a revision that falls is of an etcd that went back in time', () => {
  judge.expect({ cluster_id: '1', revision: '100' });
  reply('1', '100');
  expect(() => reply('1', '99')).toThrow('has gone back from revision 100 to 99');
  expect(changes).toMatchObject([{ code: 'ECOMPUTE_ETCD_CHANGED', details: { wentBack: true } }]);
});

test('replies may overtake one another', () => {
  reply('1', '5');
  const slow = judge.begin();
  reply('1', '9');
  slow({ clusterId: '1', revision: '6' });
  expect(judge.seen()).toEqual({ clusterId: '1', revision: '9' });
  expect(changes).toEqual([]);
});

test('what a person has accepted is taken as the first one was', () => {
  judge.expect({ cluster_id: '1', revision: '100' });
  judge.expect(undefined);
  reply('2', '3');
  expect(judge.seen()).toEqual({ clusterId: '2', revision: '3' });
});
