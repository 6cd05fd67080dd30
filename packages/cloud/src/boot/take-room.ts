import { isDeepStrictEqual } from 'node:util';
import { hostOfAllocations, totalResources } from '@etcd-compute/common/capacity/candidate';
import type { Candidate, Claim, Held } from '@etcd-compute/common/capacity/capacity';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { readPresences } from '../hosts/presences.js';
import type { FoundHosts } from '../placing/candidates.js';
import { filterByPresence, needsOfRequest, type AgentNeeds, type DroppedHost } from '../selection/filters/presence.js';
import type { Services } from '../services.js';
import type { Relocation } from './relocate.js';

export type TakenRoom =
  | { readonly outcome: 'taken'; readonly candidate: Candidate; readonly claim: Claim }
  | { readonly outcome: 'no-host'; readonly dropped: readonly DroppedHost[] }
  /** Somebody else is moving the instance at this moment. */
  | { readonly outcome: 'changed' };

/** A host that is busy with other allocations may well have room. */
const BUSY_ATTEMPTS = 5;

/**
 * Takes room for an instance that has nothing on its host, and normally holds nothing. If it does hold room somewhere, somebody took it to
 * move the instance and has not written that yet, or never will: the same room serves, so that all who try agree.
 */
export const takeRoom = async (
  services: Services,
  { entry: { instance }, request, resources, excluded, refuses }: Relocation,
  hosts: FoundHosts,
): Promise<TakenRoom> => {
  const capacity = await services.capacity();
  const held = await capacity.read(instance);
  const owned: Held = {
    ...held,
    userId: held.userId ?? request.user_id ?? services.user,
    projectId: held.projectId ?? request.project_id ?? services.project,
  };
  const dropped = new Map(excluded.map(({ host, reason }): [ProviderUuid, string] => [host, reason]));
  const isExcluded = new Set(dropped.keys());
  const isOther = resources && !isDeepStrictEqual(totalResources(held.allocations), { ...resources });
  const isOut = (host: ProviderUuid): boolean => isExcluded.has(host) || refuses?.(host) !== undefined;
  let own = isOther ? undefined : await findTaken(services, { held, needs: needsOfRequest(request), isOut });
  for (let busy = 0; ;) {
    const candidate = own ?? hosts.pool.take(isExcluded);
    if (!candidate) return { outcome: 'no-host', dropped: [...hosts.dropped, ...toDropped(dropped)] };
    const result = await capacity.reallocate(instance, { held: owned, allocations: candidate.allocations });
    if (result.outcome === 'allocated') return { outcome: 'taken', candidate, claim: result.claim };
    if (result.outcome === 'changed') return { outcome: 'changed' };
    busy += result.outcome === 'busy' ? 1 : BUSY_ATTEMPTS;
    if (!own) hosts.pool.giveBack(candidate);
    if (busy < BUSY_ATTEMPTS) continue;
    busy = 0;
    own = undefined;
    isExcluded.add(candidate.host);
    dropped.set(candidate.host, `its room was taken meanwhile: ${result.err.message}`);
  }
};

const toDropped = (reasons: ReadonlyMap<ProviderUuid, string>): DroppedHost[] =>
  [...reasons].map(([host, reason]) => ({ host, reason }));

/** Where the instance holds room already, if that host can have it. */
const findTaken = async (
  services: Services,
  { held, needs, isOut }: { held: Held; needs: AgentNeeds; isOut: (host: ProviderUuid) => boolean },
): Promise<Candidate | undefined> => {
  const { allocations } = held;
  const host = hostOfAllocations(allocations);
  if (host === undefined || isOut(host)) return undefined;
  const taken = Object.entries(allocations).map(([provider, { resources }]) => [provider, { resources }] as const);
  const { kept } = filterByPresence(
    [{ host, allocations: Object.fromEntries(taken) }],
    await readPresences(services, [host]),
    needs,
  );
  return kept[0];
};
