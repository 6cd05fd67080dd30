import { isOurConsumerType } from '@etcd-compute/common/audit/rules';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Finding } from '../finding.js';
import { describeAllocations, NOTHING_MORE, type World } from '../world.js';

/** Allocations without a request, for example of an interrupted boot. */
export const findAllocations = (world: World, graceSeconds: number): { findings: Finding[]; young: number } => {
  const findings: Finding[] = [];
  let young = 0;
  const isOurHost = (host: ProviderUuid): boolean => world.presences.has(host) || world.reports.has(host);
  for (const [instance, held] of world.orphans) {
    const host = [...world.holders].find(([, holders]) => holders.includes(instance))?.[0];
    const isKnown = world.recordsOf(instance).length > 0;
    const isOurs = isKnown || [...world.holders].some(([on, all]) => isOurHost(on) && all.includes(instance));
    if (host === undefined || !isOurs || !isOurConsumerType(held.consumerType)) continue;
    const ageSeconds = ((world.placementTime?.getTime() ?? NaN) - (held.since?.getTime() ?? NaN)) / 1000;
    if (ageSeconds < graceSeconds) {
      young += 1;
      continue;
    }
    findings.push({
      ...NOTHING_MORE,
      kind: 'allocation-without-request',
      instance,
      host,
      detail: `it holds ${describeAllocations(held.allocations)}`,
      since: held.since ?? null,
      evidence: `${held.generation} ${held.since?.toISOString()}`,
      mend: Number.isNaN(ageSeconds)
        ? { by: 'person', hint: 'Placement does not say how old it is; the agent of its host releases it' }
        : { by: 'release', held },
    });
  }
  return { findings, young };
};
