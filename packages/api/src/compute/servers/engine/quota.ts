import { HttpError } from '../../../http/http-error.js';
import type { Usage } from '../../usage.js';

/** The most that a project may use; -1: any amount. */
export type Limits = Usage;

const NAMES = ['instances', 'cores', 'ram'] as const;

/** @throws HttpError 403 when a project would use more than before, and more than it may. */
export const checkQuota = (before: Usage, after: Usage, limits: Limits): void => {
  const exceeded = NAMES.filter(
    (name) => limits[name] >= 0 && after[name] > before[name] && after[name] > limits[name],
  );
  if (exceeded.length === 0) return;
  const list = (values: Usage): string => exceeded.map((name) => values[name]).join(', ');
  const asked = exceeded.map((name) => after[name] - before[name]).join(', ');
  throw new HttpError(
    403,
    `Quota exceeded for ${exceeded.join(', ')}: Requested ${asked}, but already used ${list(before)} of ${list(limits)} ${exceeded.join(', ')}`,
  );
};
