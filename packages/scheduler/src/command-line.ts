import { parseArgs } from 'node:util';
import { closestWord, usageError } from './usage.js';

/**
 * Reads words into options and positionals, after a table. Node's own parser does the splitting; a parser library would take a
 * sixth of the time of a whole `boot --no-wait`.
 */
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

/** Splits a command line. Nothing is judged yet, except that a value is missing: the command is not known before. */
export const splitCommandLine = (argv: readonly string[], table: OptionTable): CommandLine => {
  const options = Object.fromEntries(
    Object.entries(table).map(([name, { short, value }]) => [
      name,
      { type: value === undefined ? 'boolean' : 'string', ...(short !== undefined && { short }) } as const,
    ]),
  );
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const found = new Map<string, Typed[]>();
  const unknown: string[] = [];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const isOff = token.name.startsWith('no-') && table[token.name] === undefined;
    const name = isOff ? token.name.slice('no-'.length) : token.name;
    const spec = table[name];
    const isSwitch = spec?.value === undefined;
    if (!spec || (isOff && !isSwitch)) unknown.push(token.rawName);
    else if (isSwitch && token.value === undefined) found.set(name, [!isOff]);
    else if (!isSwitch && isValue(token)) found.set(name, [...(found.get(name) ?? []), token.value]);
    else
      throw usageError(
        `${token.rawName} ${isSwitch ? 'takes no value' : 'needs a value'}`,
        isSwitch ? `say --${name} or --no-${name}` : `expected ${token.rawName} ${spec.value}: ${spec.describe}`,
      );
  }
  return { positionals, options: found, unknown };
};

/** The next option is no value, but -5 is one, if a wrong one. */
const isValue = (token: {
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}): token is { value: string } =>
  token.value !== undefined && (token.inlineValue === true || !/^-+[A-Za-z]/.test(token.value));

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
