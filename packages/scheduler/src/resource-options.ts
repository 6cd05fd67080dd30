import type { Want } from '@etcd-compute/common/capacity/capacity';
import { parseWant } from '@etcd-compute/common/capacity/want';
import { usageError } from './usage.js';

export interface WantedResources {
  readonly vcpus: number;
  readonly memoryMiB: number;
  readonly diskGiB: number;
  /** What a person typed instead of the three. */
  readonly resources: string | undefined;
  readonly traits: readonly string[];
  readonly memberOf: string | undefined;
}

const TRAIT = /^!?[A-Z0-9_]+$/;
const AGGREGATES = /^!?(in:)?[0-9A-Fa-f-]+(,[0-9A-Fa-f-]+)*$/;

const checkTrait = (trait: string): string => {
  if (TRAIT.test(trait)) return trait;
  throw usageError(
    `--trait '${trait}' is not usable`,
    'expected a trait such as HW_CPU_X86_AVX2, or !CUSTOM_SLOW for one that must be absent',
  );
};

const checkAggregate = (aggregate: string): string => {
  if (AGGREGATES.test(aggregate)) return aggregate;
  throw usageError(
    `--member-of '${aggregate}' is not usable`,
    'expected the uuid of a Placement aggregate, or in:UUID,UUID for any of several',
  );
};

/** The query of the options of `boot`. `--resources` takes `VCPU:1,DISK_GB:1` or a whole query. */
export const buildWant = (wanted: WantedResources): Want => {
  const { vcpus, memoryMiB, diskGiB, resources, traits, memberOf } = wanted;
  const typed = resources?.trim() ?? `VCPU:${vcpus},MEMORY_MB:${memoryMiB},DISK_GB:${diskGiB}`;
  if (typed === '')
    throw usageError("--resources '' is empty", 'expected something like VCPU:1,MEMORY_MB:256,DISK_GB:1');
  const parts = [typed.includes('=') ? typed : `resources=${typed}`];
  if (traits.length > 0) parts.push(`required=${traits.map(checkTrait).join(',')}`);
  if (memberOf !== undefined) parts.push(`member_of=${checkAggregate(memberOf)}`);
  return parseWant(parts.join('&'));
};
