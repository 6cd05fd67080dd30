import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { OPERATIONS } from './operation-kinds.js';
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

export type Ledger = Map<string, Story>;

const bootedSchema = z.looseObject({ instance: instanceUuidSchema });
const errorSchema = z.looseObject({ code: z.string(), message: z.string() });
export type ToldError = z.output<typeof errorSchema>;

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // cut off by a kill, or words for a person
  }
};

/** What a command said last on standard error, as one line of JSON; undefined when it is none. */
export const readError = ({ stderr }: Pick<Attempt, 'stderr'>): ToldError | undefined =>
  errorSchema.safeParse(parseJson(stderr.trim().split('\n').at(-1) ?? '')).data;

/** Codes that say what else was wrong; the wish stands all the same. */
const WISHED_ALL_THE_SAME = ['ECOMPUTE_TIMED_OUT'];
const NOTHING_TO_DESTROY = ['ECOMPUTE_INSTANCE_UNKNOWN'];

export const noteAttempt = (ledger: Ledger, attempt: Attempt): void => {
  const { kind, name } = attempt.operation;
  const story = ledger.get(name) ?? {
    name,
    instance: undefined,
    boot: 'not-asked',
    destroy: 'not-asked',
    attempts: [],
  };
  ledger.set(name, story);
  story.attempts.push(attempt);
  const { wish } = OPERATIONS[kind];
  if (wish === 'exist') noteBoot(story, attempt);
  if (wish === 'be-gone') noteDestroy(story, attempt);
};

const noteBoot = (story: Story, attempt: Attempt): void => {
  const booted = bootedSchema.safeParse(parseJson(attempt.stdout)).data;
  if (booted) {
    story.instance = booted.instance;
    story.boot = 'accepted';
    return;
  }
  const error = readError(attempt);
  const isUnsure = attempt.signal !== null || !error || error.message.includes('could not find out whether');
  story.boot = isUnsure ? 'unknown' : 'refused';
};

const noteDestroy = (story: Story, attempt: Attempt): void => {
  const code = readError(attempt)?.code ?? '';
  if (attempt.code === 0 || WISHED_ALL_THE_SAME.includes(code)) story.destroy = 'accepted';
  else if (!NOTHING_TO_DESTROY.includes(code) && story.destroy !== 'accepted') story.destroy = 'unknown';
};
