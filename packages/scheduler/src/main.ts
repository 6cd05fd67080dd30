import { EcomputeError, isAbort } from '@etcd-compute/common/errors';
import type { Run } from './cli.js';
import { openCloud } from './cloud.js';
import { parseOriginalForm } from './commands/original-form.js';
import { loadScheduleConfig } from './config.js';
import { EXIT_CODES, exitCodeOf } from './exit-code.js';
import { splitGlobalOptions } from './global-options.js';
import type { Interruption } from './interruption.js';
import { createOutput, OUTPUT_FORMATS, type OutputFormat } from './output/output.js';
import { closestWord, usageError } from './usage.js';

const parseFormat = (text: string | undefined): OutputFormat | undefined => {
  if (text === undefined) return undefined;
  const format = OUTPUT_FORMATS.find((known) => known === text);
  if (format !== undefined) return format;
  const near = closestWord(text, OUTPUT_FORMATS);
  throw usageError(
    `--output '${text}' is not known: expected ${OUTPUT_FORMATS.join(', ')}`,
    near === undefined ? 'see `eschedule --help`' : `did you mean ${near}?`,
  );
};

const planRun = async (argv: readonly string[], rest: readonly string[]): Promise<Run | undefined> => {
  const form = parseOriginalForm(rest);
  if (!form) {
    const { parseCommandLine } = await import('./cli.js');
    return parseCommandLine(argv.length === 0 ? ['--help'] : argv);
  }
  const { queryAsOriginal, scheduleAsOriginal } = await import('./commands/original.js');
  return async (context) =>
    form.form === 'schedule' ? scheduleAsOriginal(context, form) : queryAsOriginal(context, form);
};

const runCommand = async (argv: readonly string[], interruption: Interruption): Promise<number> => {
  const { rest, config: configPath, output: typedFormat } = splitGlobalOptions(argv);
  const run = await planRun(argv, rest);
  if (!run) return EXIT_CODES.done;
  const format = parseFormat(typedFormat);
  performance.mark('eschedule:parsed');
  const config = await loadScheduleConfig(configPath);
  performance.mark('eschedule:configured');
  const output = createOutput({ ...streams, format, isDebug: isDebugIn(argv) });
  return Promise.race([run({ cloud: openCloud(config), output, interruption }), interruption.ended]);
};

const streams = { stdout: process.stdout, stderr: process.stderr };

const isDebugIn = (argv: readonly string[]): boolean => argv.includes('--debug');

/** Runs a command line to its end; whatever goes wrong is told on standard error. @returns the exit code. */
export const main = async (argv: readonly string[], interruption: Interruption): Promise<number> => {
  try {
    return await runCommand(argv, interruption);
  } catch (thrown) {
    const err = isAbort(thrown) && !(thrown instanceof EcomputeError) ? await endOf(interruption) : thrown;
    // Also a mistake in the very option that names the format is told as well as it can be.
    const format = splitGlobalOptions(argv).output === 'json' ? 'json' : undefined;
    createOutput({ ...streams, format, isDebug: isDebugIn(argv) }).error(err);
    return exitCodeOf(err);
  }
};

/** An abort deep inside comes out as the interruption, with what goes on without us. */
const endOf = async ({ ended }: Interruption): Promise<unknown> => ended.catch((reason: unknown) => reason);
