import type { View } from '../state/compute-store.js';
import { hostRelation, type Aggregate } from '../state/entities.js';

/** Where hosts are that are in no zone. */
export const DEFAULT_ZONE = 'nova';

export const zoneOfAggregate = ({ metadata }: Pick<Aggregate, 'metadata'>): string | undefined =>
  metadata['availability_zone'];

/** The zone of a host, by its name. */
export const zoneOf = (view: View, host: string): string => {
  for (const aggregate of view.related('aggregate', hostRelation(host))) {
    const zone = zoneOfAggregate(aggregate);
    if (zone !== undefined) return zone;
  }
  return DEFAULT_ZONE;
};

/** Whether there is a zone, which there is when a host is in it. */
export const hasZone = (view: View, zone: string): boolean =>
  zone === DEFAULT_ZONE ||
  view.list('aggregate').some((aggregate) => zoneOfAggregate(aggregate) === zone && aggregate.hosts.length > 0);
