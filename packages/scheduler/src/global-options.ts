/** The options that every form of the command line takes, and what is left without them. */
export interface GlobalOptions {
  readonly rest: readonly string[];
  readonly config: string | undefined;
  readonly output: string | undefined;
}

const NAMES: Readonly<Record<string, 'config' | 'output'>> = {
  '--config': 'config',
  '-c': 'config',
  '--output': 'output',
  '-o': 'output',
};

/**
 * Looks for the global options without judging the rest: that of a command is for yargs to judge, that of the original's forms has
 * no options of its own.
 */
export const splitGlobalOptions = (argv: readonly string[]): GlobalOptions => {
  const found: { config?: string; output?: string } = {};
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index += 1) {
    const word = argv[index] ?? '';
    const [, flag = word, attached] = /^(--[a-z]+)=(.*)$/s.exec(word) ?? /^(-[co])(.+)$/s.exec(word) ?? [];
    const name = NAMES[flag];
    if (word === '--debug') continue;
    if (name === undefined) {
      rest.push(word);
      continue;
    }
    const value = attached ?? argv[(index += 1)];
    if (value !== undefined) found[name] = value;
  }
  return { rest, config: found.config, output: found.output };
};
