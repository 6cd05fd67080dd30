import type { PowerWish } from '@etcd-compute/common/etcd/messages/boot-request';
import { namesOf } from '../hosts/host-names.js';
import { readPresences } from '../hosts/presences.js';
import { closeSomeBooks } from '../instances/books.js';
import { findInstances } from '../instances/find-instance.js';
import { nameOf } from '../instances/instance-entry.js';
import { viewOf, type InstanceView } from '../instances/view.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { waitForPower, type PendingPower } from './wait-for-power.js';
import { writePowerWish } from './write-power.js';

export interface PowerOptions extends RunOptions {
  /** Pull the plug: do not ask the guest first. */
  readonly isHard?: boolean;
  /** How long to wait until it is done. Undefined returns when the wishes are written: the agents carry them out all the same. */
  readonly waitMs?: number | undefined;
}

/** What became of instances that were to be changed. */
export interface Changed {
  /** As they were last seen, in the order asked, each once. */
  readonly instances: readonly InstanceView[];
  /** Of those that failed, or are not done in time. */
  readonly errors: readonly Error[];
}

/**
 * Starts, stops or reboots instances. All are looked up before any is touched: a typing error must not leave half of them done.
 *
 * @param uuidsOrNames names are looked up in the caller's project.
 * @throws EcomputeError when one is unknown, or in no state for it, and what etcd says.
 */
export const changePower = async (
  services: Services,
  uuidsOrNames: readonly string[],
  { wish, isHard = false, waitMs, ...options }: PowerOptions & { readonly wish: PowerWish['wish'] },
): Promise<Changed> =>
  run(options, async (running) => {
    const entries = await findInstances(services, uuidsOrNames);
    const presences = await readPresences(
      services,
      entries.map(({ host }) => host),
    );
    const wishes: PendingPower[] = [];
    for (const entry of entries) {
      const count = await running.guard(() => writePowerWish(services, entry, { wish, hard: isHard }));
      wishes.push({ entry, count });
      const { instance, host } = entry;
      running.emit({
        type: 'power-asked',
        instance,
        name: nameOf(entry),
        host,
        wish,
        isHostDown: !presences.has(host),
      });
    }
    const errors = waitMs === undefined ? [] : await waitForPower(services, { wishes, timeoutMs: waitMs }, running);
    await closeSomeBooks(services);
    return { instances: wishes.map(({ entry }) => viewOf(entry, namesOf(presences))), errors };
  });
