import { resolve } from 'node:path';
import { parseEscapeKey } from '../access/escape-key.js';
import { parseLines, parseSeconds, parseWhole } from '../amounts.js';
import type { Args, OptionTable } from '../command-line.js';
import { usageError } from '../usage.js';
import type { CommandSpec } from './command-spec.js';

/** The commands that reach into a guest. */

const MAX_PORT = 65_535;

const PORT: OptionTable = { port: { value: 'PORT', describe: 'of the guest; default 22' } };

const portOf = (args: Args): number => {
  const typed = args.one('port');
  return typed === undefined ? 22 : parseWhole('port', typed, MAX_PORT);
};

export const logs: CommandSpec = {
  summary: 'print what an instance says on its serial console',
  examples: ['eschedule logs web', 'eschedule logs web --follow --tail 20', 'eschedule logs web > boot.log'],
  about: `Prints the console log that the instance's host keeps, all of it or the last lines. With --follow it continues until Ctrl-C or
until the instance is deleted, also across restarts of the host's agent. A file or a program gets every byte; a terminal gets
no escape sequences except colours, because the guest chose them.`,
  instances: 'one',
  printsGuest: true,
  options: {
    follow: { short: 'f', describe: 'follow: print new output as it comes' },
    tail: { value: 'N', describe: 'only the last N lines; default: all' },
  },
  plan: (args, [uuidOrName = '']) => {
    const typed = args.one('tail');
    const tail = typed === undefined ? undefined : parseLines('tail', typed);
    const isFollowing = args.isOn('follow', false);
    return async (context) => (await import('./logs.js')).logs(context, { uuidOrName, isFollowing, tail });
  },
};

const DEFAULT_ESCAPE = '^]';
/** About what fits above a prompt. */
const DEFAULT_TAIL = '10';

const parseEscape = (typed: string): number | undefined => {
  if (typed === 'none') return undefined;
  const key = parseEscapeKey(typed);
  if (key === undefined)
    throw usageError(
      `--escape ${typed} is no key`,
      'expected ^ and a letter, such as ^] or ^A for Ctrl-], Ctrl-A; or none',
    );
  return key;
};

export const guestConsole: CommandSpec = {
  summary: 'type at the serial console of an instance, or watch it',
  examples: [
    'eschedule console web',
    'eschedule console web --watch',
    'eschedule console web --force --escape ^A',
    "printf 'root\\n' | timeout 10 eschedule console web",
  ],
  about: `Connects the terminal to the instance's serial console, through the agent of its host, until Ctrl-]. The guest gets every other
key, Ctrl-C too; most guests show a prompt after Return. One person types at a time; --force takes the console from whoever
has it, who is told. Any number may watch. What the guest sends reaches the terminal as it is, as its screen; \`eschedule
logs\` leaves out what could harm a terminal. The console is logged as always.
Without a terminal at its input, all of the input is typed, no key ends it, and it goes on until it is interrupted.`,
  instances: 'one',
  printsGuest: true,
  options: {
    watch: { describe: 'only look; keys go nowhere' },
    force: { describe: 'take the console from whoever types there' },
    escape: {
      value: 'KEY',
      describe: `the key that ends it, such as ^A for Ctrl-A; none: no key; default ${DEFAULT_ESCAPE}`,
    },
    tail: { value: 'N', describe: `how many lines to begin with; default ${DEFAULT_TAIL}` },
  },
  plan: (args, [uuidOrName = '']) => {
    const isWatching = args.isOn('watch', false);
    const isForced = args.isOn('force', false);
    if (isWatching && isForced) throw usageError('--watch and --force do not go together', 'who watches takes nothing');
    const escapeName = args.one('escape') ?? DEFAULT_ESCAPE;
    const escapeKey = parseEscape(escapeName);
    const tail = parseLines('tail', args.one('tail') ?? DEFAULT_TAIL);
    const options = { uuidOrName, isWatching, isForced, escapeKey, escapeName, tail };
    return async (context) => (await import('./console.js')).guestConsole(context, options);
  },
};

export const ssh: CommandSpec = {
  summary: 'log in to an instance, or run a command there',
  examples: [
    'eschedule ssh web',
    'eschedule ssh web --user debian -- uptime',
    'eschedule ssh web -i ~/.ssh/id_ed25519 --wait',
  ],
  about: `Runs ssh through the agent of the instance's host, or to the instance's address if the agent does not serve. The command after --
runs in the guest. Host keys are kept by the instance's uuid in ~/.local/state/eschedule/known_hosts. The exit code is ssh's. For scp, rsync and the like, see \`eschedule tunnel --help\`.`,
  instances: 'many',
  operands: '<uuid or name> [-- command...]',
  printsGuest: true,
  options: {
    user: {
      short: 'u',
      value: 'USER',
      describe: 'the user to log in as; default: ssh_user of the config, else ssh’s own',
    },
    identity: { short: 'i', value: 'FILE', describe: 'the private key' },
    ...PORT,
    wait: { describe: 'wait until it is up and its ssh server answers' },
    timeout: { value: 'SECONDS', describe: 'with --wait: how long; default: timeout of the config, else 600' },
  },
  plan: (args, [uuidOrName = '', ...command]) => {
    const config = args.one('config');
    const options = {
      uuidOrName,
      command,
      user: args.one('user'),
      identity: args.one('identity'),
      port: portOf(args),
      configPath: config === undefined ? undefined : resolve(config),
      isWaiting: args.isOn('wait', false),
    };
    const typed = args.one('timeout');
    const timeout = typed === undefined ? undefined : parseSeconds('timeout', typed);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('./ssh.js')).ssh(context, { ...options, timeoutSeconds });
    };
  },
};

export const tunnel: CommandSpec = {
  summary: 'connect standard input and output to a port of an instance',
  examples: [
    'eschedule tunnel web | head -1    shows what answers there',
    "scp -o 'ProxyCommand=eschedule tunnel web' -o HostKeyAlias=web notes.txt debian@web:",
    'rsync -e "ssh -o \'ProxyCommand=eschedule tunnel web\'" -a site/ debian@web:site/',
  ],
  about: `Connects through the agent of the instance's host, to ports that the agent allows (endpoint.tunnel_ports; 22 by default). Made
for ssh's ProxyCommand.`,
  instances: 'one',
  printsGuest: true,
  options: PORT,
  plan: (args, [uuidOrName = '']) => {
    const port = portOf(args);
    return async (context) => (await import('./tunnel.js')).tunnel(context, { uuidOrName, port });
  },
};
