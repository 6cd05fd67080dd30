import { setTimeout as delay } from 'node:timers/promises';
import { createApiLedger } from './api/api-ledger.js';
import { findEndedEapis } from './api/eapis.js';
import { closeBooks } from '@etcd-compute/cloud/instances/books';
import type { Foreign } from './foreign.js';
import { findViolations } from './invariants/all.js';
import type { Violation } from './invariants/rule.js';
import type { Play } from './play-round.js';
import { playCommand } from './play-command.js';
import { hostName } from './schedule.js';
import { readWorld, type World } from './world.js';

export interface Settled {
  readonly violations: readonly Violation[];
  readonly world: World | undefined;
  readonly tookMs: number;
}

/**
 * A connection that is half open is found out after 15 s, an allocation without a request is released after its grace of 15 s, and a
 * period is 2 s; the rest is for a machine with much else to do.
 */
const PATIENCE_MS = { simulated: 90_000, guests: 240_000 } as const;
const LOOK_EVERY_MS = 500;

/** All faults are over: lets the commands end, has every host take instances again, then looks until everything holds, or until patience ends. */
export const settle = async (play: Play, foreign: Foreign): Promise<Settled> => {
  const { stage, ledger, running, signal, diary, api } = play;
  const told = api?.ledger ?? createApiLedger();
  while (running.size > 0 || (api?.running.size ?? 0) > 0) await delay(20, undefined, { signal });
  const startedAt = performance.now();
  const patienceMs = stage.hasGuests ? PATIENCE_MS.guests : PATIENCE_MS.simulated;
  diary.note('everything is back: waiting until all is as it should be');
  let world: World | undefined;
  for (;;) {
    let violations: readonly Violation[];
    try {
      const drained = await undrainAll(play);
      // What the next command of anybody does.
      await closeBooks({ keys: stage.keys, store: async () => stage.store });
      world = await readWorld(stage);
      violations = [
        ...drained,
        ...findViolations({ world, ledger, foreign, told }),
        ...(await findSurprises(stage)),
        ...told.found,
      ];
    } catch (err) {
      violations = [{ rule: 'world not readable', what: String(err) }];
    }
    const tookMs = performance.now() - startedAt;
    if (violations.length === 0 || tookMs > patienceMs) {
      diary.note(`looked for ${(tookMs / 1000).toFixed(1)} s: ${violations.length} violations`);
      return { violations, world, tookMs };
    }
    await delay(LOOK_EVERY_MS, undefined, { signal });
  }
};

const undrainAll = async (play: Play): Promise<Violation[]> => {
  const { hosts, keys, store } = play.stage;
  const violations: Violation[] = [];
  for (const { index, uuid } of hosts)
    if (await store.get(keys.drain(uuid)))
      violations.push(...(await playCommand(play, 'host-undrain', hostName(index))));
  return violations;
};

const findSurprises = async ({ hosts, eapis }: Play['stage']): Promise<Violation[]> => [
  ...hosts.flatMap(({ uuid, agent }) =>
    agent.surprises.map((what) => ({ rule: 'agent ended', what: `${what} on host ${uuid}` })),
  ),
  ...(await findEndedEapis(eapis)),
];
