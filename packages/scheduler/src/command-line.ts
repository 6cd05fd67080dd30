import { Parser } from 'yargs/helpers';
import { closestWord, usageError } from './usage.js';

/** Options and positionals, read after a table from which the help is made too. */
export interface OptionSpec {
  readonly describe: string;
  readonly short?: string;
  /** What stands for the value in the help; an option without one is a switch, and has a `--no-` form. */
  readonly value?: string;
  /** May be given several times. */
  readonly isMany?: true;
}

export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** An option as it was typed: text, or on and off for a switch. */
type Typed = string | boolean;

export interface CommandLine {
  readonly positionals: readonly string[];
  readonly options: ReadonlyMap<string, readonly Typed[]>;
  /** Words that start with a dash and are in no table. */
  readonly unknown: readonly string[];
}

/** The words before `--`: what comes after it is no option, whatever it looks like. */
export const beforeOperands = (argv: readonly string[]): readonly string[] => {
  const end = argv.indexOf('--');
  return end < 0 ? argv : argv.slice(0, end);
};

/**
 * Splits a command line. Nothing is judged yet, except a value that is missing or too much: the command is not known before.
 *
 * yargs' own parser does it, without the rest of yargs, which renders its help at every start; ours begins with examples (`help.ts`).
 */
export const splitCommandLine = (argv: readonly string[], table: OptionTable): CommandLine => {
  const names = Object.keys(table);
  const isSwitch = (name: string): boolean => table[name] !== undefined && table[name].value === undefined;
  const before = beforeOperands(argv);
  const operands = argv.slice(before.length + 1);
  const words = before.flatMap((word) => detachValue(word, table));
  refuseSwitchValues(words, isSwitch);
  const { argv: parsed, error } = Parser.detailed(words, {
    alias: Object.fromEntries(Object.entries(table).flatMap(([name, { short }]) => (short ? [[name, [short]]] : []))),
    boolean: names.filter(isSwitch),
    string: ['_', ...names.filter((name) => !isSwitch(name))],
    narg: Object.fromEntries(names.filter((name) => !isSwitch(name)).map((name) => [name, 1])),
    configuration: PARSER_CONFIGURATION,
  });
  if (error) throw missingValue(error, table);
  const options = new Map<string, readonly Typed[]>();
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(parsed)) {
    if (name === '_') continue;
    // `--no-name` of an option that is no switch, and what is in no table.
    if (table[name] === undefined || (value === false && !isSwitch(name))) unknown.push(asTyped(name, value));
    else
      options.set(
        name,
        Array.isArray(value) ? value.map(String) : [typeof value === 'boolean' ? value : String(value)],
      );
  }
  return { positionals: [...parsed._.map(String), ...operands], options, unknown };
};

const PARSER_CONFIGURATION = {
  'camel-case-expansion': false,
  'dot-notation': false,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'strip-aliased': true,
};

/** `-ojson` is `-o json`. */
const detachValue = (word: string, table: OptionTable): string[] => {
  const isShort = /^-[A-Za-z][^=]/.test(word);
  const takesValue =
    isShort && Object.values(table).some(({ short, value }) => short === word[1] && value !== undefined);
  return takesValue ? [word.slice(0, 2), word.slice(2)] : [word];
};

const refuseSwitchValues = (words: readonly string[], isSwitch: (name: string) => boolean): void => {
  for (const word of words) {
    const [, option = '', name = ''] = /^(--(?:no-)?([^=]+))=/.exec(word) ?? [];
    if (isSwitch(name)) throw usageError(`${option} takes no value`, `say --${name} or --no-${name}`);
  }
};

const missingValue = (error: Error, table: OptionTable): Error => {
  const name = /following: (.*)$/.exec(error.message)?.[1] ?? '';
  const spec = table[name];
  if (!spec) return usageError(error.message, 'see `eschedule --help`');
  return usageError(`--${name} needs a value`, `expected --${name} ${spec.value}: ${spec.describe}`);
};

/** yargs takes the dashes and the `no-` away. */
const asTyped = (name: string, value: unknown): string => {
  if (name.length === 1) return `-${name}`;
  return value === false ? `--no-${name}` : `--${name}`;
};

/** The options of a command: throws for those that it does not have. */
export const createArgs = (line: CommandLine, table: OptionTable, command: string): Args => {
  const hint = `see \`eschedule ${command} --help\``;
  const foreign = [...line.options.keys()].filter((name) => table[name] === undefined).map((name) => `--${name}`);
  const [wrong] = [...line.unknown, ...foreign];
  if (wrong !== undefined) {
    const near = closestWord(wrong.replace(/^-+(no-)?/, ''), Object.keys(table));
    throw usageError(
      `${command} has no option ${wrong}`,
      near === undefined ? hint : `did you mean --${wrong.startsWith('--no-') ? 'no-' : ''}${near}?`,
    );
  }
  const many = (name: string): string[] => (line.options.get(name) ?? []).filter((value) => typeof value === 'string');
  return {
    many,
    one: (name) => {
      const values = many(name);
      if (values.length > 1) throw usageError(`--${name} is given ${values.length} times`, 'give it once');
      return values[0];
    },
    isOn: (name, fallback) =>
      line.options.get(name)?.[0] !== undefined ? line.options.get(name)?.[0] === true : fallback,
  };
};

export interface Args {
  readonly one: (name: string) => string | undefined;
  readonly many: (name: string) => string[];
  readonly isOn: (name: string, fallback: boolean) => boolean;
}
