import pLimit from 'p-limit';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import type { Run } from '../run.js';
import type { Services } from '../services.js';
import { identityOf, type Finding } from './finding.js';
import { mend, type Mended } from './mend.js';
import type { Seen } from './seen.js';
import { waitForAgents } from './wait-for-agents.js';

/** Mended at a time. */
const PARALLEL = 8;

export interface MendOptions {
  readonly findings: readonly Finding[];
  readonly seen: Seen;
  /** How long to wait for what the agents are asked to do; undefined does not wait. */
  readonly waitMs: number | undefined;
}

/** Fixes each finding by itself, except that one wish to an agent covers all that it will remove. @returns the result of each, by identity. */
export const mendAll = async (
  services: Services,
  { findings, seen, waitMs }: MendOptions,
  { guard, signal }: Run,
): Promise<Map<string, Mended>> => {
  const bounded = pLimit(PARALLEL);
  const wishes = new Map<string, Promise<Mended>>();
  const mendGuarded = async (finding: Finding): Promise<Mended> =>
    bounded(async () => guard(async () => mend(services, finding)));
  const mendOne = async (finding: Finding): Promise<Mended> => {
    const key = wishKey(services.keys, finding);
    if (key === undefined) return mendGuarded(finding);
    const wish = wishes.get(key) ?? mendGuarded(finding);
    wishes.set(key, wish);
    return wish;
  };
  const results = await Promise.all(findings.map(async (finding) => [finding, await mendOne(finding)] as const));
  const asked = new Set(
    results.flatMap(([finding, { state }]) => (state === 'asked' ? (wishKey(services.keys, finding) ?? []) : [])),
  );
  const left =
    waitMs !== undefined && asked.size > 0
      ? await waitForAgents(services, [...asked], { timeoutMs: waitMs, signal })
      : asked;
  return new Map(
    results.map(([finding, result]) => {
      const key = wishKey(services.keys, finding);
      const isAsked = result.state === 'asked' && key !== undefined;
      return [identityOf(finding), isAsked ? afterWish(finding, { isLeft: left.has(key), seen, waitMs }) : result];
    }),
  );
};

const wishKey = (keys: Keys, { mend: how, host, instance }: Finding): string | undefined =>
  how.by === 'wish' && host !== null && instance !== null ? keys.request(host, instance) : undefined;

const afterWish = (
  { host }: Finding,
  { isLeft, seen, waitMs }: { isLeft: boolean; seen: Seen; waitMs: number | undefined },
): Mended => {
  if (!isLeft) return { state: 'fixed', words: 'its agent has removed it' };
  // It will be done, but no one knows when.
  if (host === null || !seen.presences.has(host))
    return { state: 'failed', words: 'its agent is down: it is asked to, and removes it when it is back' };
  if (waitMs === undefined) return { state: 'asked', words: 'its agent is asked to remove it' };
  return { state: 'failed', words: `its agent is asked to, and has not removed it within ${waitMs / 1000} s` };
};
