import { EcomputeError } from '@etcd-compute/common/errors';
import yargs, { type Argv, type Options } from 'yargs';
import type { CommandContext } from './commands/context.js';
import { parseBootArgs } from './commands/boot-args.js';
import { parseSeconds } from './amounts.js';
import { DEFAULT_IMAGE } from './config.js';
import { HELP } from './help.js';
import { OUTPUT_FORMATS } from './output/output.js';
import { STRATEGIES } from './selection/strategies.js';
import { closestWord, usageError } from './usage.js';
import { VERSION } from './version.js';

/** What a command line asks for; checked, but nothing is opened yet. */
export type Run = (context: CommandContext) => Promise<number>;

const GLOBAL_OPTIONS = {
  config: {
    alias: 'c',
    type: 'string',
    requiresArg: true,
    describe: 'the config; default ./schedule.yaml if there is one',
  },
  output: {
    alias: 'o',
    type: 'string',
    requiresArg: true,
    describe: `${OUTPUT_FORMATS.join(', ')} (name prints uuids)`,
  },
  debug: { type: 'boolean', describe: 'show where an error comes from' },
} as const satisfies Record<string, Options>;

// Everything is taken as text and parsed by us: yargs would turn '0x10' into 16 and 'abc' into NaN.
const text = (describe: string): Options => ({ type: 'string', requiresArg: true, describe });

const BOOT_OPTIONS: Readonly<Record<string, Options>> = {
  name: text('a name for it, which also becomes the guest’s host name'),
  vcpus: text('number of virtual CPUs; default 1'),
  memory: text('512, 512M or 2G; default 256M'),
  disk: text('10 or 10G; default 1G'),
  image: text(`http(s) URL of a disk image; default: image of the config, else ${DEFAULT_IMAGE}`),
  resources: text('in place of the three: VCPU:1,MEMORY_MB:256,... or a whole Placement query'),
  trait: text('the host must have this trait (may be repeated; !TRAIT: must not have)'),
  'member-of': text('the host must be a member of this aggregate'),
  count: text('boot this many at once, named NAME-1, NAME-2, ...'),
  strategy: text(`${STRATEGIES.join(', ')}; default: strategy of the config, else spread`),
  retries: text('hosts to try after one that cannot build it; default: retries of the config, else 2'),
  wait: { type: 'boolean', default: true, describe: 'wait until it is up; --no-wait returns when it is placed' },
  timeout: text('seconds to wait; default: timeout of the config, else 600'),
};

const DESTROY_OPTIONS: Readonly<Record<string, Options>> = {
  wait: { type: 'boolean', default: false, describe: 'wait until they are gone' },
  timeout: BOOT_OPTIONS['timeout'] ?? {},
};

const LIST_OPTIONS: Readonly<Record<string, Options>> = {
  all: {
    alias: 'a',
    type: 'boolean',
    default: false,
    describe: 'deleted instances too, which are remembered for an hour',
  },
};

const COMMANDS = ['boot', 'list', 'show', 'destroy', 'hosts'] as const;
type Command = (typeof COMMANDS)[number];

type Args = Readonly<Record<string, unknown>>;

/** A value that was typed once; yargs makes an array of what is typed twice. */
const one = (args: Args, name: string): string | undefined => {
  const value = args[name];
  if (Array.isArray(value)) throw usageError(`--${name} is given ${value.length} times`, 'give it once');
  return typeof value === 'string' ? value : undefined;
};

const many = (args: Args, name: string): string[] => {
  const value = args[name];
  return value === undefined ? [] : [value].flat().map(String);
};

const timeoutOf = (args: Args): number | undefined => {
  const typed = one(args, 'timeout');
  return typed === undefined ? undefined : parseSeconds('timeout', typed);
};

/** Each imports its command only when it is chosen: the rest is not loaded. */
const planBoot = (args: Args): Run => {
  const options = parseBootArgs({
    name: one(args, 'name'),
    vcpus: one(args, 'vcpus'),
    memory: one(args, 'memory'),
    disk: one(args, 'disk'),
    image: one(args, 'image'),
    resources: one(args, 'resources'),
    traits: many(args, 'trait'),
    memberOf: one(args, 'member-of'),
    count: one(args, 'count'),
    strategy: one(args, 'strategy'),
    retries: one(args, 'retries'),
    timeout: one(args, 'timeout'),
    wait: args['wait'] === true,
  });
  return async (context) => (await import('./commands/boot.js')).boot(context, options(context.cloud.config));
};

const planList = (args: Args): Run => {
  const isAll = args['all'] === true;
  return async (context) => (await import('./commands/list.js')).list(context, { isAll });
};

const planShow = (args: Args): Run => {
  const uuidOrName = one(args, 'instance') ?? '';
  return async (context) => (await import('./commands/show.js')).show(context, { uuidOrName });
};

const planDestroy = (args: Args): Run => {
  const timeout = timeoutOf(args);
  const uuidsOrNames = many(args, 'instances');
  return async (context) => {
    const { destroy } = await import('./commands/destroy.js');
    const timeoutSeconds = timeout ?? context.cloud.config.timeout;
    return destroy(context, { uuidsOrNames, isWaiting: args['wait'] === true, timeoutSeconds });
  };
};

const planHosts = (): Run => async (context) => (await import('./commands/hosts.js')).hosts(context);

/** yargs tells of a mistake in one of these forms. */
const explainMistake = (message: string, argv: readonly string[]): Error => {
  const said = message.trim().replaceAll(/\s+/g, ' ');
  const command = commandOf(argv);
  const hint = `see \`eschedule ${command === undefined ? '' : `${command} `}--help\``;
  const [, unknown] = /^Unknown (?:argument|command)s?: (.*)$/.exec(said) ?? [];
  if (unknown !== undefined) return explainUnknown(unknown.split(', '), argv, hint);
  const [, option] = /^Not enough arguments following: (.*)$/.exec(said) ?? [];
  if (option !== undefined) return usageError(`--${option} needs a value`, hint);
  if (said.startsWith('Not enough non-option arguments'))
    return usageError(
      command === undefined ? 'a command is missing' : `${command} needs an instance, by uuid or name`,
      hint,
    );
  return usageError(said, hint);
};

const commandOf = (argv: readonly string[]): Command | undefined => COMMANDS.find((command) => argv.includes(command));

const explainUnknown = (words: readonly string[], argv: readonly string[], hint: string): Error => {
  const [word = ''] = words;
  const isOption = argv.some(
    (typed) => typed.startsWith('-') && typed.replace(/^--?(no-)?/, '').split('=')[0] === word,
  );
  const isCommand = !isOption && commandOf(argv) === undefined;
  const kind = isOption ? 'option' : isCommand ? 'command' : 'argument';
  const shown = words.map((unknown) => `'${isOption ? '--' : ''}${unknown}'`).join(', ');
  const near = isOption ? closestWord(word, optionsOf(argv)) : isCommand ? closestWord(word, COMMANDS) : undefined;
  const meant = near === undefined ? hint : `did you mean ${isOption ? '--' : ''}${near}?`;
  return usageError(`unknown ${kind} ${shown}`, meant);
};

const optionsOf = (argv: readonly string[]): readonly string[] => {
  const own: Partial<Record<string, Readonly<Record<string, Options>>>> = {
    boot: BOOT_OPTIONS,
    destroy: DESTROY_OPTIONS,
    list: LIST_OPTIONS,
  };
  return [...Object.keys(own[commandOf(argv) ?? ''] ?? {}), ...Object.keys(GLOBAL_OPTIONS), 'help', 'version'];
};

/**
 * Reads a command line. `undefined` means that all is said already: help or the version was asked for.
 *
 * @throws EcomputeError ECOMPUTE_USAGE
 */
export const parseCommandLine = (argv: readonly string[]): Run | undefined => {
  let run: Run | undefined;
  const describe =
    (options: Readonly<Record<string, Options>> = {}) =>
    (builder: Argv): Argv =>
      builder.options(options);
  const set = (plan: (args: Args) => Run) => (args: Args) => {
    run = plan(args);
  };
  yargs()
    .scriptName('eschedule')
    .locale('en')
    .parserConfiguration({
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'dot-notation': false,
      'camel-case-expansion': false,
    })
    .options(GLOBAL_OPTIONS)
    .command('boot', 'boot an instance on a host with room', describe(BOOT_OPTIONS), set(planBoot))
    .command('list', 'list the instances', describe(LIST_OPTIONS), set(planList))
    .command('show <instance>', 'show an instance in full, by uuid or name', describe(), set(planShow))
    .command('destroy <instances..>', 'destroy instances, by uuid or name', describe(DESTROY_OPTIONS), set(planDestroy))
    .command('hosts', 'list the hosts and what is free on them', describe(), set(planHosts))
    .demandCommand(1, 'a command is missing')
    .strict()
    .help()
    .alias('help', 'h')
    .version(VERSION)
    .wrap(Math.min(120, process.stdout.columns || 100))
    .exitProcess(false)
    .fail((message: string | null, err: Error | undefined) => {
      throw err instanceof EcomputeError ? err : explainMistake(message ?? err?.message ?? '', argv);
    })
    .parseSync([...argv], {}, (_err: unknown, _args: unknown, said: string) => {
      if (said !== '') process.stdout.write(`${openHelp(said, argv)}\n`);
    });
  return run;
};

/** Puts our own words before the options that yargs lists; yargs would wrap and indent them in its own way. */
const openHelp = (said: string, argv: readonly string[]): string => {
  const lists = /^(Commands|Options):$/m.exec(said);
  if (!lists) return said;
  const opening = HELP[commandOf(argv) ?? 'all'];
  return `${opening}\n\n${said.slice(lists.index)}`;
};
