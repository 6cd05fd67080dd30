import { setTimeout as delay } from 'node:timers/promises';
import type { ApiLedger } from './api/api-ledger.js';
import { playRequest } from './api/play-request.js';
import type { ApiRequest } from './api/plan-requests.js';
import type { Tenant } from './api/tenant.js';
import type { Diary } from './diary.js';
import { INJECT } from './faults/table.js';
import type { Keeper } from './keeper.js';
import { findSubject } from './find-subject.js';
import { noteAttempt, readError, type Ledger } from './ledger.js';
import { startOperation, type RunningOperation } from './operations.js';
import type { Fault, Operation, Round } from './schedule.js';
import type { Stage } from './stage.js';
import { countAttempt, countFault, type Tally } from './tally.js';

/** What a round needs and what it writes down. */
export interface Play {
  readonly stage: Stage;
  readonly keeper: Keeper;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly diary: Diary;
  /** Commands that have not ended; some run on into later rounds. */
  readonly running: Set<RunningOperation>;
  /** What clients of eapi have and were told; undefined where there is none. */
  readonly api: ApiPlay | undefined;
  readonly signal: AbortSignal;
}

export interface ApiPlay {
  tenant: Tenant;
  readonly ledger: ApiLedger;
  /** Requests that have not been answered. */
  readonly running: Set<Promise<unknown>>;
}

/** More commands than this at a time are not begun: a machine has few processors. */
const MOST_RUNNING = 10;

/** Plays a round: it is over when its faults are. Nothing is waited for that a fault has delayed. */
export const playRound = async (play: Play, round: Round): Promise<void> => {
  const started = new Map<Operation, RunningOperation>();
  const at = async (atMs: number): Promise<void> => delay(atMs, undefined, { signal: play.signal });
  // All of them to their end, also when the run is ended early: what a fault broke is mended before anything is cleaned up.
  const results = await Promise.allSettled([
    ...round.operations.map(async (operation) => {
      await at(operation.atMs);
      started.set(operation, await begin(play, operation));
    }),
    ...round.requests.map(async (request) => {
      await at(request.atMs);
      send(play, request);
    }),
    ...round.faults.map(async (fault) => {
      await at(fault.atMs);
      await strike(play, fault, (signal) => {
        const operation = round.operations[fault.target];
        return operation !== undefined && started.get(operation)?.signal(signal) === true;
      });
    }),
  ]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  while (play.running.size > MOST_RUNNING) await at(20);
};

const begin = async (play: Play, operation: Operation): Promise<RunningOperation> => {
  const { stage, diary, running } = play;
  const command = await startOperation(stage, { ...operation, name: await findSubject(stage, operation) });
  diary.note(`${operation.kind} ${command.operation.name}: begins`);
  running.add(command);
  void note(play, command);
  return command;
};

const send = (play: Play, request: ApiRequest): void => {
  const { api } = play;
  const what = `${request.kind} ${request.name}`;
  const answered = playRequest(play, request)
    .catch((err: unknown) =>
      api?.ledger.found.push({ rule: 'request not understood', what: `${what}: ${String(err)}` }),
    )
    .finally(() => api?.running.delete(answered));
  api?.running.add(answered);
};

/** Writes down how it ended, whenever that is. */
const note = async ({ ledger, tally, diary, running }: Play, command: RunningOperation): Promise<void> => {
  const { kind, name } = command.operation;
  try {
    const attempt = await command.finished;
    noteAttempt(ledger, attempt);
    countAttempt(tally, attempt);
    const { code, signal, durationMs } = attempt;
    const why = code === 0 ? '' : ` ${readError(attempt)?.message ?? attempt.stderr.trim()}`;
    const end = signal === null ? `exit ${code}` : `ended by ${signal}`;
    diary.note(`${kind} ${name}: ${end} after ${durationMs} ms${why}`);
  } catch (err) {
    diary.note(`${kind} ${name}: could not be run: ${String(err)}`);
  } finally {
    running.delete(command);
  }
};

const strike = async (
  { stage, keeper, tally, diary }: Play,
  { kind, target, durationMs }: Fault,
  signalOperation: (signal: NodeJS.Signals) => boolean,
): Promise<void> => {
  const what = `${kind} ${target}`;
  diary.note(`fault ${what}: begins`);
  const mend = await INJECT[kind]({ stage, target, keeper, signalOperation }).catch((err: unknown) => {
    // Such as a leader that cannot be moved because another fault has just killed it.
    diary.note(`fault ${what}: could not be done: ${String(err)}`);
    return undefined;
  });
  countFault(tally, kind, mend ? 'done' : 'missed');
  if (!mend) return;
  // Without the signal: whatever happens, what was broken is mended.
  await delay(durationMs);
  await mend();
  diary.note(`fault ${what}: is over`);
};
