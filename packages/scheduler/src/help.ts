import type { OptionTable } from './command-line.js';
import type { CommandSpec } from './commands/command-spec.js';
import { COMMANDS, GLOBAL_OPTIONS, optionsOf } from './commands/all-commands.js';

/** Examples come first: they are what most people look for. */

const OVERVIEW = `Examples:
  eschedule boot --name web --memory 512M --image http://images.example/debian.qcow2
  eschedule list
  eschedule show web
  eschedule destroy web
  eschedule hosts -o wide

  eschedule 'resources=VCPU:1,DISK_GB:1,MEMORY_MB:256' [IMAGE]   the original's form; prints its lines
  eschedule UUID                                                 prints the address of an instance

Usage: eschedule <command> [options]

Exit codes: 0 done, 1 failed, 2 wrong usage or config, 3 no host has room, 4 timed out, 130 interrupted`;

/** Two columns, the second indented where the first is too wide for it. */
const renderColumns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join('\n');
};

const renderOptions = (table: OptionTable): string =>
  renderColumns(
    Object.entries(table).map(([name, { short, value, describe }]) => [
      `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
      describe,
    ]),
  );

const ARGUMENTS: Readonly<Record<CommandSpec['instances'], string>> = {
  none: '',
  one: ' <uuid or name>',
  many: ' <uuid or name>...',
};

export const renderOverview = (): string => {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => [name, summary] as const);
  return `${OVERVIEW}

Commands:
${renderColumns(commands)}

Options of every command:
${renderOptions(GLOBAL_OPTIONS)}

\`eschedule <command> --help\` says more about a command.
`;
};

export const renderCommandHelp = (name: string, command: CommandSpec): string => {
  const { examples, about, summary, instances, operands } = command;
  return `Examples:
${examples.map((example) => `  ${example}`).join('\n')}

Usage: eschedule ${name}${operands === undefined ? ARGUMENTS[instances] : ` ${operands}`} [options]

${about ?? `${summary[0]?.toUpperCase() ?? ''}${summary.slice(1)}.`}

Options:
${renderOptions(optionsOf(command))}
`;
};
