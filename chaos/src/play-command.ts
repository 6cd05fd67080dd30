import type { Violation } from './invariants/rule.js';
import { noteAttempt } from './ledger.js';
import type { OperationKind } from './operation-kinds.js';
import { runUndisturbed } from './operations.js';
import type { Play } from './play-round.js';
import { countAttempt } from './tally.js';

/** Runs a command to its end where nothing keeps it from being carried out. @returns a violation when it fails. */
export const playCommand = async (
  { stage, ledger, tally, diary }: Play,
  kind: OperationKind,
  name: string,
): Promise<Violation[]> => {
  const attempt = await runUndisturbed(stage, kind, name);
  noteAttempt(ledger, attempt);
  countAttempt(tally, attempt);
  const what = `${kind} ${name}: exit ${attempt.code} ${attempt.stderr.trim()}`;
  diary.note(what);
  return attempt.code === 0 ? [] : [{ rule: 'no life', what }];
};
