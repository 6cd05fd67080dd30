import yargs, { type Argv } from 'yargs';
import { hideBin } from 'yargs/helpers';
import type { z } from 'zod';
import { loadConfig } from '../config/load.js';
import { EcomputeError, formatErrorChain, isAbort } from '../errors.js';

/** What the command lines of our servers have in common: argv, config, signals and the exit code. */

export const EXIT = { done: 0, failed: 1, usage: 2 } as const;

export interface ProgramOptions<S extends z.ZodType> {
  readonly name: string;
  readonly version: string;
  /** What it does, for `--help`. */
  readonly summary: string;
  /** `compute.yaml`: read from the current folder when no other is named. */
  readonly configFile: string;
  /** `ECOMPUTE`: see `loadConfig`. */
  readonly envPrefix: string;
  readonly schema: S;
}

/** What every one of them takes. */
export interface ProgramArguments {
  readonly config: string | undefined;
  readonly 'log-level': string | undefined;
  readonly 'check-config': boolean;
}

export interface Program<S extends z.ZodType> {
  /** Tells the person who started it. */
  readonly say: (text: string) => void;
  /** The options that all have; add its own, then parse. */
  readonly describeArguments: () => Argv<ProgramArguments>;
  readonly loadConfig: (given: ProgramArguments) => Promise<z.output<S>>;
  /** The first SIGTERM or SIGINT asks to stop, the second one ends the process at once. */
  readonly stopOnSignal: () => Stop;
  /** Runs it and ends the process with its exit code, or with the one of its error. */
  readonly run: (main: () => Promise<number>) => Promise<never>;
}

export interface Stop {
  readonly signal: AbortSignal;
  /** The name of the signal. */
  readonly stopped: Promise<string>;
}

export const createProgram = <S extends z.ZodType>(options: ProgramOptions<S>): Program<S> => {
  const { name, configFile, envPrefix, schema } = options;
  const say = (text: string): void => {
    process.stderr.write(`${name}: ${text}\n`);
  };
  const stop = new AbortController();

  const fail = (err: unknown): number => {
    // It was asked to stop while it waited for something.
    if (stop.signal.aborted && isAbort(err)) return EXIT.done;
    say(formatErrorChain(err));
    if (err instanceof EcomputeError && err.hint !== undefined) say(`hint: ${err.hint}`);
    const isUsage = err instanceof EcomputeError && err.code === 'ECOMPUTE_CONFIG_INVALID';
    return isUsage ? EXIT.usage : EXIT.failed;
  };

  return {
    say,
    describeArguments: () => describeArguments(options, say),
    loadConfig: async ({ config, 'log-level': logLevel }) =>
      loadConfig({
        schema,
        file: { path: config ?? configFile, isRequired: config !== undefined },
        envPrefix,
        flags: { 'log.level': logLevel },
      }),
    stopOnSignal: () => {
      const stopped = new Promise<string>((resolve) => {
        for (const signal of ['SIGTERM', 'SIGINT'] as const)
          process.on(signal, () => {
            if (stop.signal.aborted) {
              say(`second ${signal}, leaving at once`);
              process.exit(EXIT.failed);
            }
            stop.abort();
            resolve(signal);
          });
      });
      return { signal: stop.signal, stopped };
    },
    run: async (main) => process.exit(await main().catch(fail)),
  };
};

const describeArguments = <S extends z.ZodType>(
  { name, version, summary, configFile, envPrefix }: ProgramOptions<S>,
  say: (text: string) => void,
): Argv<ProgramArguments> =>
  yargs(hideBin(process.argv))
    .scriptName(name)
    .usage(`$0 [--config FILE]\n\n${summary}`)
    .example('$0', `with ./${configFile}, or defaults when there is none`)
    .example(`$0 --config /etc/${name}/${configFile}`, '')
    .option('config', {
      type: 'string',
      describe: `the config file (default: ./${configFile} if it is there)`,
      requiresArg: true,
    })
    .option('log-level', { type: 'string', describe: 'overrides log.level of the config', requiresArg: true })
    .option('check-config', {
      type: 'boolean',
      default: false,
      describe: 'only read the config: say what is wrong with it, or that nothing is',
    })
    .epilogue(`Every key of the config can be set in the environment too: ${envPrefix}_ETCD__HOST is etcd.host.`)
    .version(version)
    .strict()
    .fail((message, err) => {
      if (err) throw err;
      say(`${message}\n${name}: hint: see ${name} --help`);
      process.exit(EXIT.usage);
    });
