import { NOTHING } from '@etcd-compute/api/compute/servers/engine/usage';
import type { Usage } from '@etcd-compute/api/compute/usage';
import { findBrokenGroups } from '../invariants/api/groups.js';
import { findExceeded, findWrongUsage } from '../invariants/api/usage.js';
import type { RevisionJudge } from '../revision-watch.js';
import type { Stage } from '../stage.js';
import { createApiReader } from '../world/read-api.js';

/** Whether projects keep to their limits, what they use is written down rightly, and groups are kept. */
export const createApiJudge = ({ keys }: Pick<Stage, 'keys'>): RevisionJudge => {
  const { state, take } = createApiReader(keys);
  const hosts = new Map<string, string>();
  const look = (): Map<string, { readonly usage: Usage; readonly limits: Usage }> =>
    new Map([...state.usage].map(([project, usage]) => [project, { usage, limits: state.limitsOf(project) }]));
  /** Of the revision before. */
  let before: ReturnType<typeof look> | undefined;
  return {
    take: (event) => {
      const request = keys.parseRequest(event.key);
      if (request && event.value !== undefined) hosts.set(request.instance, request.host);
      // Its request on another host may have come in the same transaction.
      else if (request && hosts.get(request.instance) === request.host) hosts.delete(request.instance);
      return event.key.startsWith(keys.compute) ? take(event) : request !== undefined;
    },
    judge: () => {
      const now = look();
      const exceeded = [...now].flatMap(([project, { usage, limits }]) => {
        if (!before) return [];
        const last = before.get(project) ?? { usage: NOTHING, limits };
        return findExceeded(project, { before: last.usage, after: usage, limits: last.limits });
      });
      before = now;
      return [...exceeded, ...findWrongUsage(state), ...findBrokenGroups(state, hosts)];
    },
  };
};
