import { persist as persistUntil, type PersistOptions as Options } from '@etcd-compute/common/async/persist';
import { EcomputeError } from '@etcd-compute/common/errors';

/** Errors that waiting does not solve: a person must act, and the agent does not start. */
const FINAL: readonly string[] = [
  'ECOMPUTE_AGENT_DUPLICATE',
  'ECOMPUTE_AGENT_IDENTITY_CHANGED',
  'ECOMPUTE_CONFIG_INVALID',
  'ECOMPUTE_CONFIG_UNREADABLE',
  'ECOMPUTE_PLACEMENT_TOO_OLD',
  'ECOMPUTE_STATE_DIR_UNUSABLE',
];

export const isFinal = (thrown: unknown): boolean => thrown instanceof EcomputeError && FINAL.includes(thrown.code);

export type PersistOptions = Omit<Options, 'isFinal'>;

/** Tries until it works, or until waiting does not solve it. */
export const persist = async <T>(task: () => Promise<T>, options: PersistOptions): Promise<T> =>
  persistUntil(task, { ...options, isFinal });
