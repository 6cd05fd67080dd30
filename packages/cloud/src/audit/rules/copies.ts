import { isDestroyWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { toDiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import type { Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
import { formatBytes } from '@etcd-compute/common/units';
import type { Finding } from '../finding.js';
import { NOTHING_MORE, type Rule, type World } from '../world.js';

/** Copies from which no instance comes back: it is built again, and nobody waited for that, or it is destroyed. */
export const findCopies: Rule = (world) =>
  world.copies.flatMap(({ host, project, value, modRevision }): Finding[] => {
    const copy = value === 'not-understood' ? undefined : toDiskCopy(value);
    if (value === 'not-understood' || !copy || isNeeded(world, value)) return [];
    return [
      {
        ...NOTHING_MORE,
        kind: 'copy-without-use',
        instance: value.instance,
        host,
        detail: `the copy of a disk, of ${formatBytes(value.bytes)}; its instance does not need it any more`,
        since: new Date(value.created_at),
        evidence: modRevision,
        mend: { by: 'forget-copy', copy, project },
      },
    ];
  });

/** Also while its agent makes it: the wish is not carried out then. */
const isNeeded = (world: World, { id, host, instance, count }: Snapshot): boolean => {
  const requests = world.requestsOf(instance);
  const isNamed = requests.some(
    ({ value }) => value === 'not-understood' || value.shelved?.copies.some(({ source }) => source.id === id),
  );
  const record = world.recordAt(host, instance)?.value;
  const [request] = requests.filter((one) => one.host === host);
  const isPending =
    request !== undefined &&
    request.value !== 'not-understood' &&
    !isDestroyWish(request.value) &&
    (record === undefined || record === 'not-understood' || record.wish_count < count);
  return isNamed || isPending;
};
