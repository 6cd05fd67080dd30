import { findPauseReason } from '@etcd-compute/agent/domains/domain';
import { newInstanceUuid } from '@etcd-compute/common/ids';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { expect, test } from 'vitest';

test('a domain is freed only after its state is known', async () => {
  const order: string[] = [];
  const domain = {
    getState: async (): Promise<{ state: string; reason: string }> => {
      await new Promise(setImmediate);
      order.push('answered');
      return { state: 'paused', reason: 'ioerror' };
    },
    [Symbol.asyncDispose]: async (): Promise<void> => void order.push('freed'),
  };
  const connection = { domainLookupByUUID: async () => domain };
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- only what is called is there
  expect(await findPauseReason(connection as unknown as Connection, newInstanceUuid())).toBe('ioerror');
  expect(order).toEqual(['answered', 'freed']);
});
