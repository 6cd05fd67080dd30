/** How often each guest may ask: a burst, and then so many a second. */
export interface RateLimit {
  /** False when it is too often. */
  readonly take: (guest: string) => boolean;
}

export interface RateLimitOptions {
  readonly burst: number;
  readonly perSecond: number;
  readonly now: () => number;
}

export const createRateLimit = ({ burst, perSecond, now }: RateLimitOptions): RateLimit => {
  const buckets = new Map<string, { left: number; at: number }>();
  const leftOf = (bucket: { left: number; at: number }, at: number): number =>
    Math.min(burst, bucket.left + ((at - bucket.at) / 1000) * perSecond);
  /** A full bucket is as good as none. */
  const forgetFull = (at: number): void => {
    for (const [guest, bucket] of buckets) if (leftOf(bucket, at) >= burst) buckets.delete(guest);
  };
  let forgottenAt = now();
  return {
    take: (guest) => {
      const at = now();
      if (at - forgottenAt > 60_000) {
        forgetFull(at);
        forgottenAt = at;
      }
      const left = leftOf(buckets.get(guest) ?? { left: burst, at }, at);
      buckets.set(guest, { left: left < 1 ? left : left - 1, at });
      return left >= 1;
    },
  };
};
