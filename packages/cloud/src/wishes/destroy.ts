import pLimit from 'p-limit';
import { DEFAULT_PROJECT } from '@etcd-compute/common/ids';
import { namesOf } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/books.js';
import { findInstances } from '../instances/find-instance.js';
import { isDeleted, nameOf, readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { viewOf } from '../instances/view.js';
import { run, type RunOptions } from '../run.js';
import { forgetCopies } from '../shelving/forget-copies.js';
import type { Services } from '../services.js';
import type { CloudEvent } from '../events.js';
import type { AskAlong } from './check-may-ask.js';
import { checkHostDown, forceDestroy } from './force-destroy.js';
import type { Changed } from './ask.js';
import { waitForDestroy } from './wait-for-destroy.js';
import { writeDestroyWish } from './write-destroy.js';

export interface DestroyOptions extends RunOptions {
  /**
   * Only where the host is down: gives the instance up without waiting for it. Its room can be given to others while the guest may
   * still run there.
   */
  readonly isForced?: boolean;
  /** What is written in the txn of each wish; nothing of what is to be destroyed already. */
  readonly along?: AskAlong | undefined;
  /** How long to wait until they are gone. Undefined returns when the wishes are written: the agents carry them out all the same. */
  readonly waitMs?: number | undefined;
}

/** Its agent removes only what is on its own host. What cannot be removed now is found by an audit. */
const forgetCopiesElsewhere = async (services: Services, { host, request }: InstanceEntry): Promise<void> => {
  const copies = (request?.shelved?.copies ?? []).filter(({ source }) => source.host !== host);
  await forgetCopies(services, { copies, project: request?.project_id ?? DEFAULT_PROJECT, waitMs: 0 });
};

/** Asked for at a time. */
const PARALLEL = 8;

const isOver = (entry: InstanceEntry): boolean => isDeleted(entry) && !entry.request;

type OfInstance = Pick<Extract<CloudEvent, { type: 'already-deleted' }>, 'instance' | 'name' | 'host'>;

const eventOf = (entry: InstanceEntry): OfInstance => ({
  instance: entry.instance,
  name: nameOf(entry),
  host: entry.host,
});

/**
 * Destroys instances with their disks. All are looked up before any is touched: a typing error must not leave half of them destroyed.
 *
 * @param uuidsOrNames names are looked up in the caller's project; also what only Placement knows.
 * @throws EcomputeError when one is unknown, or its host is up and it is to be forced, and what etcd and Placement say.
 */
export const destroy = async (
  services: Services,
  uuidsOrNames: readonly string[],
  { isForced = false, along, waitMs, ...options }: DestroyOptions,
): Promise<Changed> =>
  run(options, async (running) => {
    const found = await findInstances(services, uuidsOrNames, { isAllocationEnough: true });
    const presences = await readPresences(
      services,
      found.map(({ host }) => host),
    );
    const pending = found.filter((entry) => !isOver(entry));
    if (isForced) for (const entry of pending) await checkHostDown(services, entry, presences);
    const seen = new Map(found.map((entry) => [entry.instance, entry]));
    const awaited: InstanceEntry[] = [];
    const bounded = pLimit(PARALLEL);
    const endOne = async (entry: InstanceEntry): Promise<void> => {
      const { instance, host } = entry;
      if (isOver(entry)) {
        running.emit({ type: 'already-deleted', ...eventOf(entry) });
      } else if (isForced) {
        const outcome = await running.guard(() => forceDestroy(services, entry));
        running.emit({ type: outcome, ...eventOf(entry) });
        // No one knows when the host of one that was given up is back.
        if (outcome === 'not-given-up') awaited.push(entry);
        else seen.set(instance, (await readInstances(services, [entry]))[0] ?? entry);
      } else {
        const request = await running.guard(() => writeDestroyWish(services, entry, along));
        // An agent of the original leaves no sign of life, and no record either.
        const isHostDown = entry.record !== undefined && !presences.has(host);
        running.emit({ type: 'destroy-asked', ...eventOf(entry), isHostDown });
        seen.set(instance, { ...entry, request });
        await forgetCopiesElsewhere(services, entry);
        awaited.push(entry);
      }
    };
    await Promise.all(found.map((entry) => bounded(async () => endOne(entry))));
    await closeSomeBooks(services);
    const waited =
      waitMs === undefined
        ? undefined
        : await waitForDestroy(services, { entries: awaited, timeoutMs: waitMs }, running);
    for (const entry of waited?.entries ?? []) seen.set(entry.instance, entry);
    return {
      instances: [...seen.values()].map((entry) => viewOf(entry, namesOf(presences))),
      errors: waited?.error ? [waited.error] : [],
    };
  });
