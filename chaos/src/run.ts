import { setMaxListeners } from 'node:events';
import { join } from 'node:path';
import { checkApi, openApiPlay } from './api/api-play.js';
import { createApiJudge } from './api/api-judge.js';
import { createCountingJudge } from './counting-judge.js';
import { openDiary } from './diary.js';
import { listEmptyLeases } from './faults/etcd-api.js';
import { chooseDisaster, playDisaster } from './disasters.js';
import { putForeignThings } from './foreign.js';
import { findRisenAttempts } from './invariants/attempts.js';
import { findDoubles } from './invariants/doubles.js';
import type { Violation } from './invariants/rule.js';
import { checkHosts } from './host-checks.js';
import { createKeeper } from './keeper.js';
import { readError, type Ledger } from './ledger.js';
import { playRound, type Play } from './play-round.js';
import { tellViolation } from './report.js';
import type { ChaosOptions, ChaosResult, Told } from './result.js';
import { operationOf } from './operation-kinds.js';
import type { RunningOperation } from './operations.js';
import { proveLife } from './proof-of-life.js';
import { planSchedule } from './schedule.js';
import { settle } from './settle.js';
import { openStage, type Stage } from './stage.js';
import { openRevisionWatch, type RevisionJudge } from './revision-watch.js';
import { createTally, type Tally } from './tally.js';
import { readWorld, type World } from './world.js';

export const MEMBERS = 3;
const MOST_LISTENERS = 50;
const MOST_TOLD = 5;

/** Plays the seed's schedule, and ends at the first check that finds a violation. */
export const runChaos = async (options: ChaosOptions): Promise<ChaosResult> => {
  const { agents, eapis, hasGuests, hasRoles, placement, signal, onProgress } = options;
  // Each of a round's commands waits for it.
  setMaxListeners(MOST_LISTENERS, signal);
  const schedule = planSchedule({ ...options, members: MEMBERS });
  await using stage = await openStage({
    agents,
    members: MEMBERS,
    hasGuests,
    hasRoles,
    placement,
    eapis,
    isFolderShared: options.seed % 3 !== 0,
    signal,
  });
  const foreign = await putForeignThings(stage);
  const watchWith = (judge: () => RevisionJudge, isOn: boolean) => (isOn ? openRevisionWatch(stage, judge) : undefined);
  await using counting = watchWith(() => createCountingJudge(stage, foreign.consumer), placement === 'etcd');
  const diary = openDiary(join(stage.dir, 'chaos.log'));
  const [ledger, tally]: [Ledger, Tally] = [new Map(), createTally()];
  await using commands = createRunning();
  const api = await openApiPlay(stage);
  await using counted = watchWith(() => createApiJudge(stage), api !== undefined);
  const findAtRevisions = (): Violation[] => [...(counting?.found ?? []), ...(counted?.found ?? [])];
  const play: Play = { api, stage, keeper: createKeeper(), ledger, tally, diary, running: commands.running, signal };
  const startedAt = performance.now();
  const secondsNow = (): number => (performance.now() - startedAt) / 1000;
  const attempts = new Map<string, number>();
  let violations: readonly Violation[] = [];
  let world: World | undefined;
  let roundsPlayed = 0;
  let disasters = 0;
  for (const round of schedule.rounds) {
    signal.throwIfAborted();
    diary.note(`round ${roundsPlayed}`);
    await playRound(play, round);
    roundsPlayed += 1;
    violations = [...findAtRevisions(), ...(await findBrokenNow(stage, attempts))];
    const isLast = roundsPlayed === schedule.rounds.length;
    if (violations.length === 0 && (isLast || roundsPlayed % options.checkEvery === 0)) {
      const check = async (after: string): Promise<void> => {
        const settled = await settle(play, foreign);
        ({ violations, world } = settled);
        violations = [...violations, ...findBadManners(ledger)];
        const name = `life${options.seed}-${tally.checks}`;
        if (violations.length === 0) violations = await checkHosts(stage.hosts);
        if (violations.length === 0 && api) violations = await checkApi(play, api);
        if (violations.length === 0) violations = await proveLife(stage, name);
        tally.checks += 1;
        tally.settledMs.push(settled.tookMs);
        onProgress(
          `${after}, ${Math.round(secondsNow())} s: ${countInstances(ledger)} instances, ` +
            `settled in ${(settled.tookMs / 1000).toFixed(1)} s, ${violations.length} violations`,
        );
      };
      await check(`${roundsPlayed} of ${schedule.rounds.length} rounds`);
      if (violations.length === 0 && options.hasDisasters) {
        const kind = chooseDisaster(options.seed, disasters);
        violations = await playDisaster(play, { kind, name: `d${options.seed}-${disasters}`, foreign });
        disasters += 1;
        // A restored etcd is an older one.
        attempts.clear();
        if (violations.length === 0) await check(kind);
      }
    }
    if (violations.length > 0) break;
  }
  if (violations.length === 0) violations = findAtRevisions();
  tally.revisionsCounted = counting?.revisions ?? 0;
  tally.revisionsOfServers = counted?.revisions ?? 0;
  tally.states = countStates(world);
  tally.emptyLeases = await countEmptyLeases(stage);
  if (violations.length > 0) stage.keepLogs();
  const told: Told[] = [];
  for (const violation of violations.slice(0, MOST_TOLD))
    told.push(await tellViolation(violation, { stage, ledger, diary, world }));
  return { roundsPlayed, tally, seconds: secondsNow(), violations, told, dir: stage.dir };
};

/** Commands under way; none outlives the run. */
const createRunning = (): AsyncDisposable & { running: Set<RunningOperation> } => {
  const running = new Set<RunningOperation>();
  return {
    running,
    [Symbol.asyncDispose]: async () => {
      for (const command of running) command.signal('SIGKILL');
      await Promise.allSettled([...running].map(async ({ finished }) => finished));
    },
  };
};

/** Whether faults are still about does not matter: these never may be. What cannot be read now is read later. */
const findBrokenNow = async (stage: Stage, attempts: Map<string, number>): Promise<Violation[]> => {
  try {
    const world = await readWorld(stage);
    return [...findDoubles(world), ...findRisenAttempts(world, attempts)];
  } catch {
    return [];
  }
};

const countInstances = (ledger: Ledger): number =>
  [...new Set(ledger.values())].filter(({ boot }) => boot !== 'not-asked').length;

/** By state, errors by their code. */
const countStates = (world: World | undefined): Map<string, number> => {
  const states = new Map<string, number>();
  for (const { state, fault } of world?.records ?? []) {
    const what = state === 'error' ? `error: ${fault?.code ?? 'no reason'}` : state;
    states.set(what, (states.get(what) ?? 0) + 1);
  }
  return states;
};

const countEmptyLeases = async ({ etcd }: Stage): Promise<number> => {
  const [member] = etcd.members;
  return member ? (await listEmptyLeases(member)).length : 0;
};

/** Commands that did not end, or that did not say why they failed. */
const findBadManners = (ledger: Ledger): Violation[] =>
  [...ledger.values()].flatMap(({ name, attempts }) =>
    attempts.flatMap((attempt): Violation[] => {
      const { kind } = attempt.operation;
      if (attempt.isHung) return [{ rule: 'eschedule hangs', what: `${kind} ${name} did not end` }];
      const { usualCodes = [] } = operationOf(kind);
      if (attempt.code === 0 || attempt.signal !== null || usualCodes.includes(attempt.code ?? 0)) return [];
      const error = readError(attempt);
      if (error && error.code !== 'ECOMPUTE_INTERNAL') return [];
      return [{ rule: 'error not explained', what: `${kind} ${name}: ${attempt.stderr.trim()}` }];
    }),
  );
