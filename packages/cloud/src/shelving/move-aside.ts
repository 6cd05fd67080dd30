import type { Resources } from '@etcd-compute/common/capacity/capacity';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import { findInstance } from '../instances/find-instance.js';
import { describeInstance, type InstanceEntry } from '../instances/instance-entry.js';
import { findHosts } from '../placing/candidates.js';
import { noHostError } from '../placing/no-host.js';
import type { Run } from '../run.js';
import { needsOfRequest } from '../selection/filters/presence.js';
import { toStrategy } from '../selection/strategies.js';
import type { Services } from '../services.js';
import { ask } from '../wishes/ask.js';
import { announce, giveHost, waitUntilBuilt, type Unshelved } from './unshelve.js';
import { wantAgain } from './want-again.js';

export interface MoveAsideOptions {
  readonly entry: InstanceEntry;
  /** What it is to have another amount of there. */
  readonly changed?: Resources;
  /** How much of the time to wait is left. */
  readonly leftMs: () => number;
}

/**
 * Shelves an instance and has it built again where there is room, which is looked for first: no instance is shelved for nothing.
 *
 * @throws EcomputeError why it is not moved. It is then as it was, on whatever host; or shelved, when it took too long, or no host has room for
 *   it any more.
 */
export const moveAside = async (
  services: Services,
  { entry, changed, leftMs }: MoveAsideOptions,
  running: Run,
): Promise<void> => {
  const { instance, request } = entry;
  if (!request)
    throw new EcomputeError('ECOMPUTE_INSTANCE_UNKNOWN', `instance ${describeInstance(entry)} is being destroyed`);
  await checkRoom(services, { ...entry, request }, changed);
  // A wish that is written is carried out, also when nobody waits for it any more.
  if (leftMs() === 0)
    throw new EcomputeError(
      'ECOMPUTE_TIMED_OUT',
      `there was no time left to move instance ${describeInstance(entry)}`,
      {
        details: { waitedFor: 'wish', instance },
        hint: 'it is as it was; wait longer',
      },
    );
  const { signal, emit } = running;
  const shelved = await ask(services, 'shelve', { uuidsOrNames: [instance], waitMs: leftMs(), signal, onEvent: emit });
  const [error] = shelved.errors;
  if (error) throw error;
  const { unshelved, refused } = await running.guard(async () =>
    giveHostOrKeepSize(services, await findInstance(services, instance), changed),
  );
  const hostNames = await announce(services, [unshelved], running);
  const [failed] = await waitUntilBuilt(services, { unshelved: [unshelved], hostNames, waitMs: leftMs() }, running);
  const problem = failed ?? refused;
  if (problem) throw problem;
};

/** @returns `refused` when the room for the other amounts was taken meanwhile: it comes back with those that it had. */
const giveHostOrKeepSize = async (
  services: Services,
  entry: InstanceEntry,
  changed: Resources | undefined,
): Promise<{ unshelved: Unshelved; refused?: EcomputeError }> => {
  if (!changed) return { unshelved: await giveHost(services, entry) };
  try {
    return { unshelved: await giveHost(services, entry, { changed }) };
  } catch (err) {
    if (!(err instanceof EcomputeError) || err.code !== 'ECOMPUTE_NO_CANDIDATES') throw err;
    return { unshelved: await giveHost(services, entry), refused: err };
  }
};

/** @throws EcomputeError ECOMPUTE_NO_CANDIDATES with the reason of each host. */
const checkRoom = async (
  services: Services,
  { request }: { readonly request: BootRequest },
  changed: Resources | undefined,
): Promise<void> => {
  const { want } = wantAgain(request, changed);
  const { members = [], networks = [] } = needsOfRequest(request);
  const needs = { members: [...members, 'shelved'] as const, networks };
  const strategy = toStrategy(request.retry?.strategy ?? '');
  const { pool, dropped } = await findHosts({ services, want, strategy, count: 1, needsPresence: true, needs });
  if (pool.size === 0) throw await noHostError({ services, want, dropped, asked: 1, unplaced: 1 });
};
