import { EcomputeError, formatErrorChain, toError } from '@etcd-compute/common/errors';
import { commandHint } from '../hints.js';
import type { OutputFormat } from './output.js';

export interface ReportOptions {
  readonly format: OutputFormat | undefined;
  readonly isDebug: boolean;
}

const stackOf = (error: Error): string => {
  const cause: unknown = error.cause;
  return `${error.stack ?? error.message}${cause instanceof Error ? `\ncaused by ${stackOf(cause)}` : ''}`;
};

/**
 * An error as it is told on standard error: one line and a hint, or one line of JSON for whom JSON was asked for. Ends with a line
 * break.
 */
export const renderError = (thrown: unknown, { format, isDebug }: ReportOptions): string => {
  const error = toError(thrown);
  const message = formatErrorChain(error);
  const { code, details } = error instanceof EcomputeError ? error : { code: 'ECOMPUTE_INTERNAL', details: {} };
  const hint = hintOf(error);
  if (format === 'json') {
    const stack = isDebug ? { stack: stackOf(error) } : {};
    return `${JSON.stringify({ code, message, hint: hint ?? null, details, ...stack })}\n`;
  }
  const lines = [`eschedule: ${message}`];
  if (hint !== undefined) lines.push(`hint: ${hint}`);
  if (isDebug) lines.push(stackOf(error));
  return `${lines.join('\n')}\n`;
};

/** What the error itself knows, then what eschedule can do. */
const hintOf = (error: Error): string | undefined => {
  if (!(error instanceof EcomputeError)) return INTERNAL_HINT;
  const hints = [error.hint, commandHint(error)].filter((hint) => hint !== undefined);
  return hints.length === 0 ? undefined : hints.join('; ');
};

const INTERNAL_HINT = 'this is a fault of eschedule itself; --debug shows where';
