import type { Resources, Want } from '@etcd-compute/common/capacity/capacity';
import { totalResources } from '@etcd-compute/common/capacity/candidate';
import { parseWant } from '@etcd-compute/common/capacity/want';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';

export interface WantAgain {
  readonly want: Want;
  /** What that comes to; undefined where only Placement can tell. */
  readonly resources: Resources | undefined;
}

/**
 * What an instance that was built before needs of a host: traits and aggregates as it was booted with, and the amounts that it has by now,
 * which a resize may have changed. Of a query with groups of resources nobody knows which group has grown, so that is asked as it was. Pure.
 *
 * @param changed what is to be another amount.
 */
export const wantAgain = ({ allocations, retry }: BootRequest, changed: Resources = {}): WantAgain => {
  const resources = { ...totalResources(allocations), ...changed };
  if (!retry) return { want: { resources }, resources };
  const asBooted = parseWant(retry.query);
  const params = [...new URLSearchParams(asBooted.query)];
  if (params.some(([name]) => /^resources.+/.test(name))) return { want: asBooted, resources: undefined };
  const amounts = Object.entries(resources).map(([name, amount]) => `${name}:${amount}`);
  const others = params.filter(([name]) => name !== 'resources');
  const query = new URLSearchParams([['resources', amounts.join(',')], ...others]).toString();
  return { want: parseWant(query), resources };
};
