import { beforeOperands, createArgs, splitCommandLine, type CommandLine, type OptionTable } from './command-line.js';
import { parseOriginalForm } from './commands/original-form.js';
import type { CommandSpec, Run } from './commands/command-spec.js';
import { COMMANDS, GLOBAL_OPTIONS, optionsOf } from './commands/all-commands.js';
import { OUTPUT_FORMATS, type OutputFormat } from './output/output.js';
import { projectSchema } from '@etcd-compute/common/ids';
import { closestWord, usageError } from './usage.js';

/** A command line, understood. `text` is all there is to do for help and the version. */
export type Invocation =
  | { readonly kind: 'text'; readonly text: () => Promise<string> }
  | {
      readonly kind: 'run';
      readonly run: Run;
      readonly configPath: string | undefined;
      readonly format: OutputFormat | undefined;
      /** Replaces that of the config. */
      readonly project: string | undefined;
    };

/** All options of all commands: where an option ends can be told before the command is known. */
const ALL_OPTIONS: OptionTable = Object.assign(
  {},
  ...Object.values(COMMANDS).map(({ options }) => options),
  GLOBAL_OPTIONS,
);

const parseFormat = (text: string | undefined): OutputFormat | undefined => {
  if (text === undefined) return undefined;
  const format = OUTPUT_FORMATS.find((known) => known === text);
  if (format !== undefined) return format;
  const near = closestWord(text, OUTPUT_FORMATS);
  throw usageError(
    `--output ${text} is not known: expected ${OUTPUT_FORMATS.join(', ')}`,
    near === undefined ? 'see `eschedule --help`' : `did you mean ${near}?`,
  );
};

const parseProject = (text: string | undefined): string | undefined => {
  const problem = projectSchema.optional().safeParse(text).error?.issues[0]?.message;
  if (problem === undefined) return text;
  throw usageError(`--project '${text}' is not usable: ${problem}`, 'such as --project web-shop');
};

const INSTANCE_COUNTS: Readonly<Record<CommandSpec['instances'], { least: number; most: number }>> = {
  none: { least: 0, most: 0 },
  one: { least: 1, most: 1 },
  many: { least: 1, most: Number.POSITIVE_INFINITY },
};

const checkInstances = (name: string, { instances, operands }: CommandSpec, given: readonly string[]): void => {
  const { least, most } = INSTANCE_COUNTS[instances];
  const hint = `see \`eschedule ${name} --help\``;
  if (given.length < least) throw usageError(`${name} needs ${operands ?? 'an instance, by uuid or name'}`, hint);
  if (given.length > most) throw usageError(`${name} does not take '${given.slice(most).join(' ')}'`, hint);
};

const unknownCommand = (word: string): Error => {
  const near = closestWord(word, Object.keys(COMMANDS));
  return usageError(
    `there is no command '${word}'`,
    near === undefined ? 'see `eschedule --help`' : `did you mean \`eschedule ${near}\`?`,
  );
};

const planOriginal = (line: CommandLine): Run | undefined => {
  const form = parseOriginalForm(line.positionals);
  if (!form) return undefined;
  createArgs(line, GLOBAL_OPTIONS, "'resources=...'");
  return async (context) => {
    const { queryAsOriginal, scheduleAsOriginal } = await import('./commands/original.js');
    return form.form === 'schedule' ? scheduleAsOriginal(context, form) : queryAsOriginal(context, form);
  };
};

/** The names of commands have one word or two. */
const splitName = (words: readonly string[]): { name: string; given: readonly string[] } => {
  const two = words.slice(0, 2).join(' ');
  return COMMANDS[two] ? { name: two, given: words.slice(2) } : { name: words[0] ?? '', given: words.slice(1) };
};

/** The second words of commands that begin with this one. */
const verbsOf = (first: string): string[] =>
  Object.keys(COMMANDS).flatMap((name) => (name.startsWith(`${first} `) ? name.slice(first.length + 1) : []));

const missingVerb = (first: string, verbs: readonly string[], second: string | undefined): Error => {
  const hint = `see \`eschedule ${first} --help\``;
  if (second === undefined) return usageError(`${first} needs ${verbs.join(' or ')}`, hint);
  const near = closestWord(second, verbs);
  return usageError(
    `${first} does not know '${second}'`,
    near === undefined ? hint : `did you mean \`eschedule ${first} ${near}\`?`,
  );
};

const planCommand = (line: CommandLine): Run => {
  if (line.positionals.length === 0) throw usageError('a command is missing', 'see `eschedule --help`');
  const { name, given } = splitName(line.positionals);
  const command = COMMANDS[name];
  const verbs = verbsOf(name);
  if (!command && verbs.length > 0) throw missingVerb(name, verbs, given[0]);
  if (!command) throw unknownCommand(name);
  const args = createArgs(line, optionsOf(command), name);
  checkInstances(name, command, given);
  return command.plan(args, given);
};

/** Help and the version are given whatever else stands there. */
const findText = (line: CommandLine, isEmpty: boolean): Invocation | undefined => {
  if (line.options.has('help') || isEmpty)
    return {
      kind: 'text',
      text: async () => {
        const { renderCommandHelp, renderOverview } = await import('./help.js');
        const { name } = splitName(line.positionals);
        const names = COMMANDS[name] ? [name] : verbsOf(name).map((verb) => `${name} ${verb}`);
        const helps = names.flatMap((one) => (COMMANDS[one] ? renderCommandHelp(one, COMMANDS[one]) : []));
        return helps.length > 0 ? helps.join('\n') : renderOverview();
      },
    };
  if (!line.options.has('version')) return undefined;
  return { kind: 'text', text: async () => `${(await import('./version.js')).VERSION}\n` };
};

/** @throws EcomputeError ECOMPUTE_USAGE */
export const parseCommandLine = (argv: readonly string[]): Invocation => {
  const line = splitCommandLine(argv, ALL_OPTIONS);
  const text = findText(line, argv.length === 0);
  if (text) return text;
  const run = planOriginal(line) ?? planCommand(line);
  const globals = createArgs({ ...line, unknown: [] }, ALL_OPTIONS, '');
  return {
    kind: 'run',
    run,
    configPath: globals.one('config'),
    format: parseFormat(globals.one('output')),
    project: parseProject(globals.one('project')),
  };
};

/** What can be told of the global switches even when the rest is wrong, for telling what is wrong. */
export const peekReportOptions = (argv: readonly string[]): { format: 'json' | undefined; isDebug: boolean } => {
  const words = beforeOperands(argv);
  return {
    format: /(^|\s)(-o|--output)[\s=]?json(\s|$)/.test(words.join(' ')) ? 'json' : undefined,
    isDebug: words.includes('--debug'),
  };
};
