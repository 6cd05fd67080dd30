import { run } from '@etcd-compute/cloud/run';
import { expect, test } from 'vitest';

const never = async (): Promise<never> => new Promise(() => undefined);

test('without a guard an abort ends it at once, with the reason of the signal', async () => {
  const controller = new AbortController();
  const running = run({ signal: controller.signal }, never);
  controller.abort(new Error('enough'));
  await expect(running).rejects.toThrow('enough');
  await expect(run({ signal: controller.signal }, async () => 'done')).rejects.toThrow('enough');
});

test('what is guarded is finished first, and nothing new is started', async () => {
  const controller = new AbortController();
  const order: string[] = [];
  let finish: () => void = () => undefined;
  const running = run({ signal: controller.signal }, async ({ guard }) => {
    await guard(async () => {
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      order.push('guarded');
    });
    await guard(async () => order.push('new'));
  });
  const ended = running.catch(() => order.push('ended'));
  controller.abort(new Error('enough'));
  finish();
  await ended;
  expect(order).toEqual(['guarded', 'ended']);
});
