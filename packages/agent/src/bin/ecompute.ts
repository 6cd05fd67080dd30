import { EcomputeError, formatErrorChain, isAbort } from '@etcd-compute/common/errors';
import { loadConfig } from '@etcd-compute/common/config/load';
import { createLogger } from '@etcd-compute/common/log';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { agentConfigSchema, type AgentConfig } from '../config/config.js';
import { acceptChange, SERVERS, type Server } from '../known-servers/known-servers.js';
import { runAgent } from '../lifecycle/run-agent.js';
import { VERSION } from '../process/version.js';

/** `ecompute [--config FILE]`: argv, config, signals and the exit code; the rest is `run-agent.ts`. */

const EXIT = { done: 0, failed: 1, usage: 2 } as const;

const say = (text: string): void => {
  process.stderr.write(`ecompute: ${text}\n`);
};

const fail = (err: unknown): number => {
  say(formatErrorChain(err));
  if (err instanceof EcomputeError && err.hint !== undefined) say(`hint: ${err.hint}`);
  const isUsage = err instanceof EcomputeError && err.code === 'ECOMPUTE_CONFIG_INVALID';
  return isUsage ? EXIT.usage : EXIT.failed;
};

const readArguments = async (): Promise<{
  config: string | undefined;
  logLevel: string | undefined;
  acceptChange: Server | undefined;
}> =>
  yargs(hideBin(process.argv))
    .scriptName('ecompute')
    .usage('$0 [--config FILE]\n\nThe agent of a host: boots and destroys the instances that are placed on it.')
    .example('$0', 'with ./compute.yaml, or defaults when there is none')
    .example('$0 --config /etc/ecompute/compute.yaml', '')
    .option('config', {
      type: 'string',
      describe: 'the config file (default: ./compute.yaml if it is there)',
      requiresArg: true,
    })
    .option('log-level', { type: 'string', describe: 'overrides log.level of the config', requiresArg: true })
    .option('accept-change', {
      choices: SERVERS,
      describe: 'accept that this host now has another etcd or libvirt: note it, and exit',
      requiresArg: true,
    })
    .epilogue('Every key of the config can be set in the environment too: ECOMPUTE_ETCD__HOST is etcd.host.')
    .version(VERSION)
    .strict()
    .fail((message, err) => {
      if (err) throw err;
      say(`${message}\necompute: hint: see ecompute --help`);
      process.exit(EXIT.usage);
    })
    .parseAsync();

/** @returns what to tell the person. */
const accept = async ({ state_dir }: AgentConfig, server: Server): Promise<string> => {
  const isChanged = await acceptChange(state_dir, server);
  if (!isChanged)
    return `this host belongs to no ${server} yet, or its change was accepted before: there is nothing to accept`;
  const next = { etcd: 'restart ecompute', libvirt: 'ecompute goes on by itself, or when it is started' }[server];
  return `the ${server} that ecompute meets next is taken as the one that this host belongs to; ${next}`;
};

const main = async (): Promise<number> => {
  const { config: file, logLevel, acceptChange: changed } = await readArguments();
  const config = await loadConfig({
    schema: agentConfigSchema,
    file: { path: file ?? 'compute.yaml', isRequired: file !== undefined },
    envPrefix: 'ECOMPUTE',
    flags: { 'log.level': logLevel },
  });
  if (changed !== undefined) {
    say(await accept(config, changed));
    return EXIT.done;
  }
  const log = await createLogger(config.log);
  const stop = new AbortController();
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
  try {
    await runAgent({ config, log, signal: stop.signal, stopped });
    return EXIT.done;
  } catch (err) {
    if (stop.signal.aborted && isAbort(err)) return EXIT.done;
    throw err;
  }
};

process.exit(await main().catch(fail));
