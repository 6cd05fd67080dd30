import { once } from 'node:events';
import { hostname, userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import { formatTypist } from '@etcd-compute/common/endpoint/protocol';
import { untilEscape } from '../access/escape-key.js';
import { makeRaw } from '../access/raw-terminal.js';
import { EXIT_CODES } from '../exit-code.js';
import { createEventPrinter } from '../output/events.js';
import type { CommandContext } from './context.js';

export interface ConsoleOptions {
  readonly uuidOrName: string;
  readonly isWatching: boolean;
  readonly isForced: boolean;
  /** The byte that ends it; undefined: none does. Only at a terminal. */
  readonly escapeKey: number | undefined;
  /** As people write it. */
  readonly escapeName: string;
  readonly tail: number;
}

/** The guest may not take what was typed before the escape key. */
const FLUSH_MS = 1000;

/** Types at the console of an instance, or only watches it. */
export const guestConsole = async (context: CommandContext, options: ConsoleOptions): Promise<number> => {
  const { interruption, output } = context;
  const { stdin } = process;
  if (!stdin.isTTY) {
    await connect(context, options, { input: stdin, signal: interruption.signal, endsWithInput: false });
    return EXIT_CODES.done;
  }
  const { escapeKey, isWatching } = options;
  const left = new AbortController();
  const leave = (): void => {
    if (isWatching) left.abort();
    else setTimeout(() => left.abort(), FLUSH_MS).unref();
  };
  const input = escapeKey === undefined ? stdin : stdin.pipe(untilEscape(escapeKey, leave));
  stdin.once('end', leave);
  // A watcher's keys go nowhere.
  if (isWatching) input.resume();
  try {
    using _raw = makeRaw(stdin, interruption.interrupt);
    const signal = AbortSignal.any([interruption.signal, left.signal]);
    await connect(context, options, { input, signal, endsWithInput: true });
  } catch (err) {
    if (!left.signal.aborted || interruption.signal.aborted) throw err;
  }
  // The guest leaves its cursor anywhere.
  output.note('');
  return EXIT_CODES.done;
};

interface Ends {
  readonly input: Readable;
  readonly signal: AbortSignal;
  readonly endsWithInput: boolean;
}

const connect = async (
  { cloud, output }: CommandContext,
  { uuidOrName, isWatching, isForced, escapeKey, escapeName, tail }: ConsoleOptions,
  { input, signal, endsWithInput }: Ends,
): Promise<void> => {
  const { stdin, stdout } = process;
  const greet = (): void => {
    if (!stdin.isTTY) return;
    const how = escapeKey === undefined ? 'no key ends it' : `${escapeName} ends it`;
    output.note(`eschedule: ${isWatching ? 'watching' : 'connected to'} the console of ${uuidOrName}; ${how}`);
  };
  const shared = {
    tail,
    // As the guest sends it: it draws on this terminal.
    write: async (bytes: Buffer): Promise<void> => {
      if (!stdout.write(bytes)) await once(stdout, 'drain', { signal });
    },
    signal,
    onEvent: createEventPrinter(output),
  };
  if (isWatching) await cloud.readConsole(uuidOrName, { ...shared, isFollowing: true, isLive: true, onBegin: greet });
  else
    await cloud.attachConsole(uuidOrName, {
      ...shared,
      input,
      by: formatTypist(userName(), hostname()),
      isForced,
      endsWithInput,
      onAttached: greet,
    });
};

/** A container's user may have no name. */
const userName = (): string => {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? '');
  }
};
