import { createInterruption } from '@etcd-compute/scheduler/interruption';
import { expect, test } from 'vitest';

test('without a guard an interruption ends at once, and says what goes on', async () => {
  const interruption = createInterruption();
  interruption.describe = () => 'it goes on';
  interruption.interrupt();
  await expect(interruption.ended).rejects.toMatchObject({ code: 'ECOMPUTE_ABORTED', hint: 'it goes on' });
});

test('what is guarded is finished first, and nothing new is started', async () => {
  const interruption = createInterruption();
  const order: string[] = [];
  let finish: () => void = () => undefined;
  const guarded = interruption.guard(async () => {
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    order.push('guarded');
  });
  const ended = interruption.ended.catch(() => order.push('ended'));
  interruption.interrupt();
  await expect(interruption.guard(async () => order.push('new'))).rejects.toThrow('aborted');
  finish();
  await Promise.all([guarded, ended]);
  expect(order).toEqual(['guarded', 'ended']);
});
