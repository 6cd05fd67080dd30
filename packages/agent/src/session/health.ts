import type { Presence, Trouble } from '@etcd-compute/common/etcd/messages/presence';
import type { Logger } from '@etcd-compute/common/log';

/**
 * What keeps this host from working although its agent is up. Each check reports under its own name; people and schedulers see the oldest
 * trouble.
 */
export interface Health {
  /** @param found null when nothing is wrong (any more). Repeatable. */
  report(check: string, found: Pick<Trouble, 'code' | 'message'> | null): void;
  /** Null when the host can work. */
  readonly trouble: Presence['trouble'];
}

export interface HealthOptions {
  /** Called when the trouble to show has changed. */
  readonly onChange: (trouble: Presence['trouble']) => void;
  readonly log: Logger;
  readonly now?: () => Date;
}

export const createHealth = ({ onChange, log, now = () => new Date() }: HealthOptions): Health => {
  const troubles = new Map<string, Trouble>();
  const oldest = (): Presence['trouble'] =>
    [...troubles.values()].toSorted((a, b) => a.since.localeCompare(b.since))[0] ?? null;
  let shown: Presence['trouble'] = null;

  const show = (): void => {
    const trouble = oldest();
    if (JSON.stringify(trouble) === JSON.stringify(shown)) return;
    if (!trouble) log.info({ was: shown }, 'this host can work again');
    else if (trouble.code !== shown?.code) log.error({ trouble }, 'this host cannot work');
    shown = trouble;
    onChange(trouble);
  };
  return {
    report: (check, found) => {
      const before = troubles.get(check);
      if (!found) troubles.delete(check);
      else troubles.set(check, { ...found, since: before?.since ?? now().toISOString() });
      show();
    },
    get trouble() {
      return shown;
    },
  };
};
