import { pino, stdTimeFunctions, type DestinationStream, type Logger } from 'pino';
import { formatErrorChain, toError, EcomputeError } from './errors.js';
import type { LogLevel } from './log-levels.js';

export type { Logger } from 'pino';

/**
 * The names of log fields, spelt once. The message of a log line is a constant phrase in lower case; whatever varies is
 * one of these.
 */
export interface LogFields {
  component?: string;
  instanceUuid?: string;
  providerUuid?: string;
  etcdKey?: string;
  revision?: string;
  generation?: number;
  step?: string;
  attempt?: number;
  durationMs?: number;
  err?: unknown;
}

/** Paths that pino replaces by `[redacted]`, wherever they stand one or two levels deep. */
const SECRET_FIELDS = [
  'token',
  'password',
  'adminPass',
  'admin_pass',
  'userData',
  'user_data',
  'user_data_base64',
  'sshKeys',
  'ssh_keys',
  'x-auth-token',
];
const redact = SECRET_FIELDS.flatMap((name) => [`["${name}"]`, `*["${name}"]`]);

const serializeError = (thrown: unknown): Record<string, unknown> => {
  const error = toError(thrown);
  return {
    type: error.name,
    message: formatErrorChain(error),
    ...(error instanceof EcomputeError
      ? { code: error.code, hint: error.hint, ...error.details }
      : { stack: error.stack }),
  };
};

export interface LogOptions {
  readonly level: LogLevel;
  /** `auto` is `pretty` on a terminal, else `json`. */
  readonly format: 'auto' | 'json' | 'pretty';
}

/** A JSON lines logger on standard output, or a readable one on a terminal. */
export const createLogger = async ({ level, format }: LogOptions): Promise<Logger> => {
  const options = {
    level,
    base: null,
    redact: { paths: redact, censor: '[redacted]' },
    serializers: { err: serializeError },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  if (!isPretty) return pino(options);
  const { PinoPretty } = await import('pino-pretty');
  const stream: DestinationStream = PinoPretty({
    sync: true,
    singleLine: true,
    ignore: 'component',
    messageFormat: '{component}: {msg}',
  });
  return pino(options, stream);
};

export const silentLogger = (): Logger => pino({ level: 'silent' });
