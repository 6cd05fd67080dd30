import { HttpError } from '../../http/http-error.js';

/*
 * How often somebody may fail to log in. It is counted here and not in etcd: who guesses passwords would else write to etcd as fast as he
 * can ask, and N servers let him guess N times as often, which is still slow. A failure is counted for the name together with the
 * address, so that nobody can lock others out, and for the address as a whole, so that nobody tries one password on many names.
 */

export interface LoginLimitOptions {
  /** Failures that are free, for a name from one address. After them, one more each `PERIOD_MS / perName`. */
  readonly perName: number;
  /** The same for all names from one address. */
  readonly perAddress: number;
  readonly now?: () => number;
}

export interface LoginLimit {
  /**
   * Call it before a secret is looked at. It counts as a failure at once, so that many at the same time are counted too.
   *
   * @throws HttpError 429. @returns call it when the secret was right.
   */
  readonly begin: (attempt: { readonly name: string; readonly address: string }) => () => void;
}

const PERIOD_MS = 60_000;
const MAX_COUNTERS = 20_000;

/** A bucket that leaks: how full it was, and when. */
interface Counter {
  readonly level: number;
  readonly at: number;
}

export const createLoginLimit = ({ perName, perAddress, now = Date.now }: LoginLimitOptions): LoginLimit => {
  const counters = new Map<string, Counter>();

  const levelOf = (key: string, limit: number): number => {
    const counter = counters.get(key);
    return counter ? Math.max(0, counter.level - ((now() - counter.at) * limit) / PERIOD_MS) : 0;
  };
  const set = (key: string, level: number): void => {
    // The one that was touched last is at the end.
    counters.delete(key);
    if (level > 0) counters.set(key, { level, at: now() });
    const [oldest] = counters.keys();
    if (counters.size > MAX_COUNTERS && oldest !== undefined) counters.delete(oldest);
  };

  return {
    begin: ({ name, address }) => {
      const kinds = [
        { key: `${address} ${name}`, limit: perName },
        { key: address, limit: perAddress },
      ];
      for (const { key, limit } of kinds) {
        const over = levelOf(key, limit) + 1 - limit;
        if (over > 0) throw tooMany(Math.ceil((over * PERIOD_MS) / limit / 1000));
      }
      for (const { key, limit } of kinds) set(key, levelOf(key, limit) + 1);
      return () => {
        for (const { key, limit } of kinds) set(key, Math.max(0, levelOf(key, limit) - 1));
      };
    },
  };
};

const tooMany = (seconds: number): HttpError =>
  new HttpError(429, `Too many failed attempts to log in: try again in ${seconds} s.`, {
    headers: { 'retry-after': String(seconds) },
  });
