import type { HostFacts, Inventory, Want } from '@etcd-compute/common/capacity/capacity';

/** How much of an inventory may be used in all. */
const capacityOf = ({ total, reserved, allocation_ratio }: Inventory): number =>
  Math.floor((total - reserved) * allocation_ratio);

/** The agent takes no new instances: it has reserved all its VCPUs, as the original's does when it stops. */
export const isLocked = (inventories: HostFacts['inventories']): boolean => {
  const vcpu = inventories['VCPU'];
  return vcpu !== undefined && vcpu.total > 0 && vcpu.reserved >= vcpu.total;
};

const explainClass = (name: string, asked: number, { inventories, usages }: HostFacts): string | undefined => {
  const inventory = inventories[name];
  if (!inventory) return `has no ${name}`;
  const { max_unit, min_unit, step_size } = inventory;
  const capacity = capacityOf(inventory);
  const free = Math.max(0, capacity - (usages[name] ?? 0));
  if (asked > free) return `${name}: asked ${asked}, free ${free} of ${capacity}`;
  if (asked > max_unit) return `${name}: asked ${asked}, at most ${max_unit} for one instance`;
  if (asked < min_unit) return `${name}: asked ${asked}, at least ${min_unit} for one instance`;
  if (asked % step_size !== 0) return `${name}: asked ${asked}, given in steps of ${step_size}`;
  return undefined;
};

const explainAggregates = (memberOf: readonly string[], aggregates: readonly string[]): string[] =>
  memberOf
    .filter((wanted) => {
      const isForbidden = wanted.startsWith('!');
      const uuids = wanted.replace(/^!?(in:)?/, '').split(',');
      return uuids.some((uuid) => aggregates.includes(uuid.toLowerCase())) === isForbidden;
    })
    .map((wanted) => (wanted.startsWith('!') ? `is a member of ${wanted.slice(1)}` : `is no member of ${wanted}`));

/** Why a host does not do, with numbers; empty when nothing is found, as with a query in groups. */
export const explainHost = (want: Want, facts: HostFacts): string[] => {
  if (isLocked(facts.inventories)) return ['it is draining: all its VCPUs are reserved'];
  const rooms = Object.entries(want.resources).map(([name, asked]) => explainClass(name, asked, facts));
  return [
    ...rooms.filter((reason) => reason !== undefined),
    ...(want.required ?? []).filter((trait) => !facts.traits.includes(trait)).map((trait) => `lacks trait ${trait}`),
    ...(want.forbidden ?? []).filter((trait) => facts.traits.includes(trait)).map((trait) => `has trait ${trait}`),
    ...explainAggregates(want.memberOf ?? [], facts.aggregates),
  ];
};
