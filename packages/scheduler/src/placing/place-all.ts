import pLimit from 'p-limit';
import { toError } from '@etcd-compute/common/errors';
import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Interruption } from '../interruption.js';
import type { DroppedHost } from '../selection/filters/presence.js';
import type { Placer } from './placer.js';
import type { InstanceSpec } from './write-request.js';

/** What became of the wish for one instance. */
export type Placed =
  | { readonly outcome: 'placed'; readonly spec: InstanceSpec; readonly record: InstanceRecord }
  | { readonly outcome: 'no-host'; readonly spec: InstanceSpec; readonly dropped: readonly DroppedHost[] }
  | { readonly outcome: 'failed'; readonly spec: InstanceSpec; readonly err: Error };

interface PlaceAllOptions {
  readonly interruption: Interruption;
  readonly onPlaced: (spec: InstanceSpec) => void;
}

/** Placement and etcd are asked for this many instances at a time. */
const PARALLEL = 8;

/** Places as many as possible: the outcome of each is told, whatever happens to the others. */
export const placeAll = async (
  placer: Placer,
  specs: readonly InstanceSpec[],
  { interruption, onPlaced }: PlaceAllOptions,
): Promise<Placed[]> => {
  const bounded = pLimit(PARALLEL);
  let fatal: Error | undefined;
  const placeOne = async (spec: InstanceSpec): Promise<Placed> => {
    // What failed for one (Placement is gone, say) would fail for each of the rest.
    if (fatal) return { outcome: 'failed', spec, err: fatal };
    try {
      const result = await interruption.guard(() => placer.place(spec));
      if (result.outcome === 'no-host') return { outcome: 'no-host', spec, dropped: result.dropped };
      onPlaced(spec);
      return { outcome: 'placed', spec, record: result.record };
    } catch (thrown) {
      fatal = toError(thrown);
      return { outcome: 'failed', spec, err: fatal };
    }
  };
  return Promise.all(specs.map((spec) => bounded(() => placeOne(spec))));
};
