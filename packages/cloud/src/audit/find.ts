import type { Services } from '../services.js';
import { compare, type CompareOptions, type Comparison } from './compare.js';
import { identityOf } from './finding.js';
import { observe } from './observe.js';
import type { Seen } from './seen.js';

export interface Found extends Comparison {
  readonly seen: Seen;
}

/**
 * Finds what does not agree. A look takes time, and others change things meanwhile: what it shows is only a suspicion, confirmed when a
 * second look shows it by the same revisions.
 */
export const findAmiss = async (services: Services, judgement: Omit<CompareOptions, 'keys'>): Promise<Found> => {
  const options = { keys: services.keys, ...judgement };
  const first = await observe(services);
  const suspicions = compare(first, options);
  if (suspicions.findings.length === 0) return { ...suspicions, seen: first };
  const seen = await observe(services);
  const { findings, young } = compare(seen, options);
  const suspected = new Map(suspicions.findings.map((finding) => [identityOf(finding), finding.evidence]));
  return { seen, young, findings: findings.filter((one) => suspected.get(identityOf(one)) === one.evidence) };
};
