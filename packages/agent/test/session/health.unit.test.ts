import { createHealth } from '@etcd-compute/agent/session/health';
import { silentLogger } from '@etcd-compute/common/log';
import type { Presence } from '@etcd-compute/common/etcd/messages/presence';
import { expect, test } from 'vitest';

const hangs = { code: 'libvirt-hangs', message: 'it does not answer' };
const away = { code: 'libvirt-away', message: 'it is not there' };
const other = { code: 'other-trouble', message: 'something else' };

test('the oldest trouble of all checks is shown, with when it began, until its check finds nothing wrong', () => {
  const shown: Presence['trouble'][] = [];
  let seconds = 0;
  const now = (): Date => new Date(seconds * 1000);
  const health = createHealth({ onChange: (trouble) => shown.push(trouble), log: silentLogger(), now });
  const since = now().toISOString();
  health.report('libvirt', null);
  expect(shown).toEqual([]);
  health.report('libvirt', hangs);
  health.report('libvirt', hangs);
  expect(shown).toEqual([{ ...hangs, since }]);

  seconds = 10;
  health.report('another', other);
  expect(shown).toHaveLength(1);
  // The same check finds another reason: it has not worked in between.
  health.report('libvirt', away);
  expect(health.trouble).toEqual({ ...away, since });

  seconds = 20;
  health.report('libvirt', null);
  expect(health.trouble).toEqual({ ...other, since: new Date(10_000).toISOString() });
  health.report('another', null);
  expect(health.trouble).toBeNull();
  expect(shown.map((trouble) => trouble?.code)).toEqual(['libvirt-hangs', 'libvirt-away', 'other-trouble', undefined]);
});
