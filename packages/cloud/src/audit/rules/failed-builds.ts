import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { canMoveOn } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Finding } from '../finding.js';
import { NOTHING_MORE, type Rule } from '../world.js';

/** Instances that their host could not build, and that nobody waits for any more. One that somebody waits for does not stay so. */
export const findFailedBuilds: Rule = (world) =>
  world.requests.flatMap(({ host, instance, value, modRevision }): Finding[] => {
    const stored = world.recordAt(host, instance);
    const record = stored?.value;
    if (value === 'not-understood' || isDestroyWish(value) || !value.retry) return [];
    if (!record || record === 'not-understood') return [];
    const { attempts_left } = value.retry;
    if (!canMoveOn({ ...record, attempts_left })) return [];
    const attempts = attempts_left === 1 ? '1 more host' : `${attempts_left} more hosts`;
    return [
      {
        ...NOTHING_MORE,
        kind: 'failed-build',
        instance,
        host,
        detail: `${attempts} may be tried; here: ${record.fault?.message}`,
        since: new Date(record.updated_at),
        evidence: `${modRevision} ${stored?.modRevision}`,
        mend: { by: 'move-on' },
      },
    ];
  });
