import { NOTHING } from '@etcd-compute/api/compute/servers/engine/usage';
import type { Usage } from '@etcd-compute/api/compute/usage';
import { findBrokenGroups } from '../invariants/api/groups.js';
import { findExceeded, findWrongUsage } from '../invariants/api/usage.js';
import type { RevisionJudge } from '../revision-watch.js';
import type { Stage } from '../stage.js';
import { createApiReader } from '../world/read-api.js';
import { z } from 'zod';

const stateSchema = z.looseObject({ state: z.string() });

/** Whether projects keep to their limits, what they use is written down rightly, and groups are kept. */
export const createApiJudge = ({ keys }: Pick<Stage, 'keys'>): RevisionJudge => {
  const { state, take } = createApiReader(keys);
  const hosts = new Map<string, string>();
  /** What is shelved has a request where it was, and is on no host. */
  const shelved = new Map<string, string>();
  const takeReport = ({ instance, host }: { instance: string; host: string }, value: string | undefined): void => {
    const isShelved = value !== undefined && stateSchema.parse(JSON.parse(value)).state === 'shelved';
    if (isShelved) shelved.set(instance, host);
    // Its record on another host may have come in the same transaction.
    else if (shelved.get(instance) === host) shelved.delete(instance);
  };
  const look = (): Map<string, { readonly usage: Usage; readonly limits: Usage }> =>
    new Map([...state.usage].map(([project, usage]) => [project, { usage, limits: state.limitsOf(project) }]));
  const onHosts = (): Map<string, string> => new Map([...hosts].filter(([instance]) => !shelved.has(instance)));
  /** Of the revision before. */
  let before: ReturnType<typeof look> | undefined;
  return {
    take: (event) => {
      const report = keys.parseReport(event.key);
      if (report) takeReport(report, event.value);
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
      return [...exceeded, ...findWrongUsage(state), ...findBrokenGroups(state, onHosts())];
    },
  };
};
