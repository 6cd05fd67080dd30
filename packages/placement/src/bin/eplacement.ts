import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import { loadConfig } from '@etcd-compute/common/config/load';
import { createLogger } from '@etcd-compute/common/log';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { serverConfigSchema } from '../server/config.js';
import { readFiles } from '../server/files.js';
import { runServer } from '../server/run-server.js';
import { VERSION } from '../server/version.js';

/** `eplacement [--config FILE]`: argv, config, signals and the exit code; the rest is `run-server.ts`. */

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

const say = (text: string): void => {
  process.stderr.write(`eplacement: ${text}\n`);
};

const fail = (err: unknown): number => {
  say(formatErrorChain(err));
  if (err instanceof EcomputeError && err.hint !== undefined) say(`hint: ${err.hint}`);
  const isUsage = err instanceof EcomputeError && err.code === 'ECOMPUTE_CONFIG_INVALID';
  return isUsage ? EXIT.usage : EXIT.failed;
};

interface Arguments {
  readonly config: string | undefined;
  readonly logLevel: string | undefined;
  readonly checkConfig: boolean;
}

const readArguments = async (): Promise<Arguments> =>
  yargs(hideBin(process.argv))
    .scriptName('eplacement')
    .usage('$0 [--config FILE]\n\nServes the API of OpenStack Placement. All that it keeps is in etcd.')
    .example('$0', 'with ./eplacement.yaml, or defaults when there is none')
    .example('$0 --config /etc/eplacement/eplacement.yaml', '')
    .option('config', {
      type: 'string',
      describe: 'the config file (default: ./eplacement.yaml if it is there)',
      requiresArg: true,
    })
    .option('log-level', { type: 'string', describe: 'overrides log.level of the config', requiresArg: true })
    .option('check-config', {
      type: 'boolean',
      default: false,
      describe: 'read the config and the files that it names, say what is wrong with them, and exit',
    })
    .epilogue('Every key of the config can be set in the environment too: EPLACEMENT_ETCD__HOST is etcd.host.')
    .version(VERSION)
    .strict()
    .fail((message, err) => {
      if (err) throw err;
      say(`${message}\neplacement: hint: see eplacement --help`);
      process.exit(EXIT.usage);
    })
    .parseAsync();

/** Fires with the first signal; the second one ends the process. */
const stopOnSignal = (): AbortSignal => {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      if (stop.signal.aborted) {
        say(`second ${signal}, leaving at once`);
        process.exit(EXIT.failed);
      }
      stop.abort();
    });
  return stop.signal;
};

const main = async (): Promise<number> => {
  const { config: file, logLevel, checkConfig } = await readArguments();
  const config = await loadConfig({
    schema: serverConfigSchema,
    file: { path: file ?? 'eplacement.yaml', isRequired: file !== undefined },
    envPrefix: 'EPLACEMENT',
    flags: { 'log.level': logLevel },
  });
  if (checkConfig) {
    await readFiles(config);
    say('the config is in order');
    return EXIT.done;
  }
  const signal = stopOnSignal();
  try {
    await runServer({ config, log: await createLogger(config.log), signal });
    return EXIT.done;
  } catch (err) {
    if (signal.aborted && isAbort(err)) return EXIT.done;
    throw err;
  }
};

process.exit(await main().catch(fail));
