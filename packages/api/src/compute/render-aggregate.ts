import { zoneOfAggregate } from './engine/zones.js';
import type { Aggregate } from './state/entities.js';
import { toTime } from './times.js';

/** The version from which aggregates have uuids. */
const UUIDS = 41;

/** As it is shown when it is made. */
export const renderNewAggregate = (aggregate: Aggregate, minor: number): Record<string, unknown> => ({
  id: aggregate.id,
  name: aggregate.name,
  availability_zone: zoneOfAggregate(aggregate) ?? null,
  created_at: toTime(aggregate.created_at),
  updated_at: aggregate.updated_at === undefined ? null : toTime(aggregate.updated_at),
  deleted: false,
  deleted_at: null,
  ...(minor >= UUIDS && { uuid: aggregate.uuid }),
});

export const renderAggregate = (aggregate: Aggregate, minor: number): Record<string, unknown> => ({
  ...renderNewAggregate(aggregate, minor),
  hosts: aggregate.hosts,
  metadata: aggregate.metadata,
});
