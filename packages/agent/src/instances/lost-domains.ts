import type { Keys } from '@etcd-compute/common/etcd/keys';
import { isBuilt } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Store } from '@etcd-compute/common/etcd/store';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { Health } from '../session/health.js';
import { areTooMany } from '../limits/too-many.js';
import { listMarkedDomains } from '../domains/domain.js';
import { readRecord } from './read-record.js';

/**
 * Whether a domain that is gone may be reported as lost. One that is gone by itself was undefined by somebody. When most are gone at
 * once, libvirt is another one, or its definitions are not there (`libvirt.uri`, a mount that is missing, an empty /etc/libvirt): the
 * guests may well run, so no record says that they are lost.
 */
export interface LostDomains {
  /** @throws when libvirt or etcd cannot be asked. */
  readonly areTooMany: () => Promise<boolean>;
  /** To be called once a period: ends the trouble when all are back, or when most are and no more come. */
  readonly review: () => Promise<void>;
}

export interface LostDomainsDeps {
  readonly store: Store;
  readonly keys: Keys;
  readonly host: ProviderUuid;
  readonly getConnection: () => Connection;
  readonly health: Pick<Health, 'report'>;
  readonly log: Logger;
}

/** `built` are those that have a domain, by their records. */
interface Census {
  readonly built: number;
  readonly lost: number;
}

const areTooManyLost = ({ built, lost }: Census): boolean => areTooMany({ of: built, gone: lost });

export const createLostDomains = ({ store, keys, host, getConnection, health, log }: LostDomainsDeps): LostDomains => {
  /** What was counted last, while too many are gone. */
  let trouble: Census | undefined;

  const listBuilt = async (): Promise<string[]> => {
    const { entries } = await store.list(keys.reportsOf(host), readRecord);
    return entries.flatMap((record) => {
      if (record === undefined || record === 'not-understood' || record.host !== host) return [];
      return isBuilt(record) ? [record.instance] : [];
    });
  };

  const count = async (): Promise<Census> => {
    const built = await listBuilt();
    const there = new Set<string>();
    for await (const { domain } of listMarkedDomains(getConnection())) there.add(domain.uuid);
    return { built: built.length, lost: built.filter((instance) => !there.has(instance)).length };
  };

  /** While the trouble lasts, those that are not back yet are not lost: only `review` ends it. */
  const look = async (): Promise<boolean> => {
    if (trouble) return true;
    const census = await count();
    if (!areTooManyLost(census)) return false;
    trouble = census;
    const { built, lost } = census;
    health.report('domains', {
      code: 'domains-gone',
      message: `${lost} of ${built} domains are gone at once: is ${getConnection().uri} the right libvirt, with its definitions?`,
    });
    return true;
  };

  return {
    // When all domains are gone, many ask at once: they share a look that has not begun when they ask.
    areTooMany: shareNext(look),
    review: async () => {
      if (!trouble) return;
      const census = await count();
      const isMended = census.lost === 0 || (!areTooManyLost(census) && census.lost === trouble.lost);
      trouble = isMended ? undefined : census;
      if (!isMended) return;
      health.report('domains', null);
      log.info(census, 'the domains are there again');
    },
  };
};

/** Runs one task at a time. Callers that come while one runs share the next run, which begins after they called. */
const shareNext = <T>(task: () => Promise<T>): (() => Promise<T>) => {
  let current: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | undefined;
  return async () => {
    next ??= current.then(async () => {
      const started = task();
      next = undefined;
      current = started.catch(() => undefined);
      return started;
    });
    return next;
  };
};
