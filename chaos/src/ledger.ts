import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { namesOf, operationOf, renamed } from './operation-kinds.js';
import type { Attempt } from './operations.js';

/**
 * What people were told, instance by instance: the world is held against it.
 *
 * `unknown`: the command was killed, or could not find out itself; either may be true then.
 */
export interface Story {
  readonly name: string;
  /** As soon as anybody was told. */
  instance: InstanceUuid | undefined;
  /** `refused`: it said that nothing was booted. */
  boot: 'not-asked' | 'accepted' | 'refused' | 'unknown';
  destroy: 'not-asked' | 'accepted' | 'unknown';
  readonly attempts: Attempt[];
}

/** By the names that people use. One that was renamed has two. */
export type Ledger = Map<string, Story>;

const bootedSchema = z.looseObject({ instance: instanceUuidSchema, name: z.string().nullable() });
/** With a count it is a list. */
const bootedOutputSchema = z.union([bootedSchema.transform((one) => [one]), z.array(bootedSchema)]);
const errorSchema = z.looseObject({ code: z.string(), message: z.string() });
export type ToldError = z.output<typeof errorSchema>;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off by a kill, or words for a person
  }
};

/** What a command said last on standard error, as one line of JSON, or in words when it has no `--output`; undefined when it said nothing. */
export const readError = ({ operation, stderr }: Pick<Attempt, 'operation' | 'stderr'>): ToldError | undefined => {
  if (operationOf(operation.kind).hasNoOutput === true) return readWords(stderr);
  return errorSchema.safeParse(parseJson(stderr.trim().split('\n').at(-1) ?? '')).data;
};

/** Words have no code, but for those of an internal error. */
const readWords = (stderr: string): ToldError | undefined => {
  const message = /^eschedule: (.+)$/m.exec(stderr)?.[1];
  if (message === undefined) return undefined;
  return {
    code: stderr.includes('this is a fault of eschedule itself') ? 'ECOMPUTE_INTERNAL' : 'told in words',
    message,
  };
};

/** Codes that say what else was wrong; the wish stands all the same. */
const WISHED_ALL_THE_SAME = ['ECOMPUTE_TIMED_OUT'];
const NOTHING_TO_DESTROY = ['ECOMPUTE_INSTANCE_UNKNOWN'];

export const noteAttempt = (ledger: Ledger, attempt: Attempt): void => {
  for (const name of namesOf(attempt.operation)) noteFor(ledger, name, attempt);
};

const noteFor = (ledger: Ledger, name: string, attempt: Attempt): void => {
  const story = ledger.get(name) ?? {
    name,
    instance: undefined,
    boot: 'not-asked',
    destroy: 'not-asked',
    attempts: [],
  };
  ledger.set(name, story);
  story.attempts.push(attempt);
  if (attempt.operation.kind === 'rename') ledger.set(renamed(name), story);
  const { wish } = operationOf(attempt.operation.kind);
  if (wish === 'exist') noteBoot(story, attempt);
  if (wish === 'be-gone') noteDestroy(story, attempt);
};

const noteBoot = (story: Story, attempt: Attempt): void => {
  const told = bootedOutputSchema.safeParse(parseJson(attempt.stdout)).data ?? [];
  const booted = told.find(({ name }) => name === story.name);
  if (booted) {
    story.instance = booted.instance;
    story.boot = 'accepted';
    return;
  }
  // With a count there is an error for each reason.
  const isUnsure =
    attempt.signal !== null || !readError(attempt) || attempt.stderr.includes('could not find out whether');
  story.boot = isUnsure ? 'unknown' : 'refused';
};

const noteDestroy = (story: Story, attempt: Attempt): void => {
  const code = readError(attempt)?.code ?? '';
  if (attempt.code === 0 || WISHED_ALL_THE_SAME.includes(code)) story.destroy = 'accepted';
  else if (!NOTHING_TO_DESTROY.includes(code) && story.destroy !== 'accepted') story.destroy = 'unknown';
};
