/** A token bucket for each key. */
export interface RateLimit {
  /** False when the limit is reached. */
  readonly take: (key: string) => boolean;
  /** How long until `take` returns true; 0 if it would now. */
  readonly msUntilNext: (key: string) => number;
}

export interface RateLimitOptions {
  readonly burst: number;
  readonly perSecond: number;
  readonly now: () => number;
}

const FORGET_EVERY_MS = 60_000;

export const createRateLimit = ({ burst, perSecond, now }: RateLimitOptions): RateLimit => {
  const buckets = new Map<string, { left: number; at: number }>();
  const leftOf = (key: string, at: number): number => {
    const bucket = buckets.get(key);
    return bucket ? Math.min(burst, bucket.left + ((at - bucket.at) / 1000) * perSecond) : burst;
  };
  /** A full bucket need not be remembered. */
  const forgetFull = (at: number): void => {
    for (const key of buckets.keys()) if (leftOf(key, at) >= burst) buckets.delete(key);
  };
  let forgottenAt = now();
  return {
    take: (key) => {
      const at = now();
      if (at - forgottenAt > FORGET_EVERY_MS) {
        forgetFull(at);
        forgottenAt = at;
      }
      const left = leftOf(key, at);
      buckets.set(key, { left: left < 1 ? left : left - 1, at });
      return left >= 1;
    },
    msUntilNext: (key) => Math.max(0, ((1 - leftOf(key, now())) / perSecond) * 1000),
  };
};
