import { sleep } from '@etcd-compute/common/async/sleep';
import type { Keys } from '@etcd-compute/common/etcd/keys';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { presenceSchema, type Presence } from '@etcd-compute/common/etcd/messages/presence';
import type { Entry, Lease, Store } from '@etcd-compute/common/etcd/store';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import { takeFence, type Fence } from './fence.js';
import { isKnownDead } from '../process/process-identity.js';

/*
 * The agent's presence: a key under a lease that this process keeps alive. It is a hint of life for schedulers, and it keeps
 * a second agent with the same uuid from starting. It is never mutual exclusion: records are fenced by their revisions.
 */

export interface PresenceOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly ttlSeconds: number;
  readonly presence: Presence;
  /** Whether an earlier session of this host has written to this etcd. */
  readonly isKnown: boolean;
  readonly log: Logger;
  /** Ends the keep-alive; the presence then goes with its lease. */
  readonly lifetime: AbortSignal;
  /** Called once when another session holds the presence: this agent was away for longer than its lease, and must not go on. */
  readonly onReplaced: (err: EcomputeError) => void;
  /** Called when the presence had been lost and is there again: what else was under its lease is to be written anew. */
  readonly onTakenAnew: () => void;
}

export interface PresenceKeeper {
  readonly fence: Fence;
  /** The lease that the presence is under, for what goes with it; another one after the presence was lost. */
  readonly leaseId: () => string;
  /** Shows the agent as about to stop. */
  readonly showStopping: () => Promise<void>;
  /** Shows whether the host is drained. What cannot be written now is written a moment later. */
  readonly showDrain: (drain: Presence['drain']) => void;
  /** Shows why the host cannot work, or that it can. What cannot be written now is written a moment later. */
  readonly showTrouble: (trouble: Presence['trouble']) => void;
  /** Removes the presence. */
  readonly leave: () => Promise<void>;
}

const holderOf = (entry: Entry): Presence | undefined => {
  try {
    return parseMessage(presenceSchema, entry.key, entry.value);
  } catch {
    return undefined; // not ours to understand; its lease tells when it is over
  }
};

const duplicate = (host: string, holder: Presence | undefined): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_AGENT_DUPLICATE',
    `host ${host} has a live agent already: ${holder ? `pid ${holder.process.pid} on ${holder.hostname}, since ${holder.started_at}` : 'an unknown one'}`,
    {
      hint: 'stop that agent, or give this host its own uuid (`uuid` in the config, or the file uuid in state_dir)',
      details: { holder },
    },
  );

/**
 * Takes the presence of this host. A dead agent's one is taken over at once when it was a process of this machine, else when
 * its lease has run out.
 *
 * @param signal ends the waiting for that.
 * @throws ECOMPUTE_AGENT_DUPLICATE when another agent with this uuid goes on living.
 */
export const takePresence = async (options: PresenceOptions, signal: AbortSignal): Promise<PresenceKeeper> => {
  const { store, keys, ttlSeconds, presence, isKnown, log } = options;
  const key = keys.agent(presence.host);
  // The lease of a dead agent lasts its whole time to live after its last keep-alive, and etcd looks once a second.
  const giveUpAt = Date.now() + (ttlSeconds + 3) * 1000;
  let lease: Lease;
  for (let isFirst = true; ; isFirst = false) {
    const entry = await store.get(key);
    const holder = entry && holderOf(entry);
    const isFree = !entry || (holder !== undefined && (await isKnownDead(holder.process)));
    if (isFree) {
      lease = await store.grantLease(ttlSeconds);
      if (await put(options, lease, entry?.modRevision ?? '0')) break;
      await lease.revoke();
    } else if (Date.now() > giveUpAt) throw duplicate(presence.host, holder);
    if (isFirst && entry)
      log.warn(
        { holder: holder?.process, hostname: holder?.hostname },
        'another agent has this uuid, waiting to see whether it is alive',
      );
    await sleep(500, signal);
  }
  const fence = await takeFence({ store, keys, host: presence.host, session: presence.session, isKnown });
  return keepPresence(options, { lease, fence });
};

const put = async ({ store, keys, presence }: PresenceOptions, lease: Lease, modRevision: string): Promise<boolean> => {
  const key = keys.agent(presence.host);
  const { isCommitted } = await store.txn(
    [{ key, modRevision }],
    [{ op: 'put', key, value: JSON.stringify(presence), lease: lease.id }],
  );
  return isCommitted;
};

const isDuplicate = (thrown: unknown): thrown is EcomputeError =>
  thrown instanceof EcomputeError && thrown.code === 'ECOMPUTE_AGENT_DUPLICATE';

const keepPresence = (options: PresenceOptions, taken: { lease: Lease; fence: Fence }): PresenceKeeper => {
  const { store, keys, ttlSeconds, log, lifetime } = options;
  const key = keys.agent(options.presence.host);
  let { presence } = options;
  const { fence } = taken;
  let { lease } = taken;
  let isLost = false;
  const left = new AbortController();
  const over = AbortSignal.any([lifetime, left.signal]);

  /** One tick: the lease lives and the key says what it is to say, or both are made anew. */
  const ensure = async (): Promise<void> => {
    const isLeased = await lease.keepAlive();
    const { entries } = await store.getMany([key, fence.guard.key]);
    const [entry, session] = entries;
    const holder = entry && holderOf(entry);
    if (holder && holder.session !== presence.session) throw duplicate(presence.host, holder);
    if (!(await fence.renew(session))) throw duplicate(presence.host, undefined);
    if (isLeased && entry?.value === JSON.stringify(presence)) return;
    if (!isLeased) lease = await store.grantLease(ttlSeconds);
    const isWritten = await put({ ...options, presence }, lease, entry?.modRevision ?? '0');
    if (isWritten && !(isLeased && holder)) {
      log.info('presence taken again');
      options.onTakenAnew();
    }
  };
  let isStopping = false;
  const show = async (changes: Partial<Pick<Presence, 'drain' | 'trouble'>>): Promise<void> => {
    presence = { ...presence, ...changes };
    presence = { ...presence, state: isStopping || presence.drain ? 'draining' : 'up' };
    const entry = await store.get(key);
    // Another session's is not ours to change.
    if (entry && holderOf(entry)?.session === presence.session)
      await put({ ...options, presence }, lease, entry.modRevision);
  };
  const keep = async (): Promise<void> => {
    while (!over.aborted) {
      await sleep((ttlSeconds * 1000) / 3, over).catch(() => undefined);
      if (over.aborted) return;
      try {
        await ensure();
        if (isLost) log.info('presence renewed again');
        isLost = false;
      } catch (err) {
        if (isDuplicate(err)) {
          options.onReplaced(err);
          return;
        }
        if (!isLost) log.error({ err }, 'could not renew the presence; guests keep running');
        isLost = true;
      }
    }
  };
  void keep();
  return {
    fence,
    leaseId: () => lease.id,
    showStopping: async () => {
      isStopping = true;
      await show({});
    },
    showDrain: (drain) => {
      show({ drain }).catch((err: unknown) => log.debug({ err }, 'drain not shown yet'));
    },
    showTrouble: (trouble) => {
      show({ trouble }).catch((err: unknown) => log.debug({ err }, 'trouble not shown yet'));
    },
    leave: async () => {
      left.abort();
      await lease.revoke();
    },
  };
};
