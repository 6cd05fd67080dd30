import { planFlavors } from '@etcd-compute/api/bootstrap/plan-flavors';
import { COMPUTE_KINDS } from '@etcd-compute/api/compute/state/entities';
import { createDraft } from '@etcd-compute/api/state/draft';
import { RecordIndex } from '@etcd-compute/api/state/record-index';
import { expect, test } from 'vitest';

test('there are some flavors at first; what an admin has made of them stays', () => {
  const index = new RecordIndex(COMPUTE_KINDS);
  const plan = (): number => {
    const draft = createDraft(COMPUTE_KINDS, index);
    planFlavors(draft);
    for (const { kind, id, value } of draft.writes()) index.apply({ key: `${kind}/${id}`, value });
    return draft.writes().length;
  };
  expect(plan()).toBe(5);
  expect(index.list('flavor').map(({ name }) => name)).toEqual([
    'm1.tiny',
    'm1.small',
    'm1.medium',
    'm1.large',
    'm1.xlarge',
  ]);
  index.apply({ key: 'flavor/5', value: undefined });
  expect(plan()).toBe(0);
});
