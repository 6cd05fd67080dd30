import { wishesOf } from '@etcd-compute/common/etcd/messages/boot-request';
import { powerOfWish, powerSchema, wishOfPower } from '@etcd-compute/common/etcd/messages/wish';
import { describe, expect, test } from 'vitest';

describe('the wish of an earlier version', () => {
  test.each([
    [
      { wish: 'running', count: 1 },
      { count: 1, kind: 'start', args: {} },
    ],
    [
      { wish: 'stopped', count: 2 },
      { count: 2, kind: 'stop', args: { hard: false } },
    ],
    [
      { wish: 'rebooted', count: 3, hard: true },
      { count: 3, kind: 'reboot', args: { hard: true } },
    ],
  ])('%j is read as %j, and written again as it was', (stored, wish) => {
    const power = powerSchema.parse(stored);
    expect(wishOfPower(power)).toEqual(wish);
    expect(powerOfWish(wish)).toEqual(power);
  });

  test('others cannot be asked of an agent of an earlier version', () => {
    expect(powerOfWish({ count: 1, kind: 'pause', args: {} })).toBeUndefined();
  });

  test('wishes are carried out in the order in which they were asked, however they are written', () => {
    const wish = (count: number, kind: string) => ({ count, kind, args: {} });
    const wishes = [wish(4, 'resume'), wish(3, 'pause')];
    const power = powerSchema.parse({ wish: 'stopped', count: 5 });
    expect(wishesOf({ wishes, power }).map(({ kind }) => kind)).toEqual(['pause', 'resume', 'stop']);
  });
});
