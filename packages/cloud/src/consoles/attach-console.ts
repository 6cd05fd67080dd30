import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError, isAbort } from '@etcd-compute/common/errors';
import { findInstance } from '../instances/find-instance.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { connectInput, parseTold } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';
import { readConsole, type ReadConsoleOptions } from './read-console.js';

export interface AttachConsoleOptions extends RunOptions, Pick<ReadConsoleOptions, 'tail' | 'write'> {
  /** What is typed. When it ends, the console is given back. */
  readonly input: Readable;
  /** Return then; otherwise what the guest says is written until the signal fires. */
  readonly endsWithInput?: boolean;
  /** Who types, as others are told: `typistSchema`. */
  readonly by: string;
  /** Takes the console from whoever types there. */
  readonly isForced?: boolean;
  /** The console is ours. */
  readonly onAttached?: () => void;
}

/** What the guest said last is on its way when its console closes. */
const DRAIN_MS = 500;

/**
 * Types at the serial console of an instance and writes what the guest says. What is written comes from the console's
 * log, so that nothing is lost between the first byte and the last, however slowly it is taken.
 *
 * @throws EcomputeError ECOMPUTE_CONSOLE_BUSY when somebody else types there, or has taken it over; ECOMPUTE_CONSOLE_CLOSED when the guest
 *   has stopped; what keeps it from beginning.
 */
export const attachConsole = async (
  services: Services,
  uuidOrName: string,
  options: AttachConsoleOptions,
): Promise<void> =>
  run(options, async ({ signal, emit }) => {
    const { input, endsWithInput = false, by, isForced = false, tail, write, onAttached } = options;
    const { instance, host } = await findInstance(services, uuidOrName);
    const endpoint = await findEndpoint(services, host);
    const socket = await connectInput(endpoint, { instance, by, isForced, signal });
    const over = new AbortController();
    const { promise: begun, resolve: onBegin } = withResolvers<void>();
    const reading = readConsole(services, instance, {
      isFollowing: true,
      isLive: true,
      tail,
      write,
      onBegin,
      signal: AbortSignal.any([signal, over.signal]),
      onEvent: (event) => {
        // While somebody types, a break is an end, and told as such.
        if (event.type !== 'console-retried' || input.readableEnded) emit(event);
      },
    });
    try {
      await Promise.race([begun, reading]);
      onAttached?.();
      input.pipe(socket);
      const given = whenGivenBack(socket, input, endpoint.hostName);
      await (endsWithInput ? Promise.race([reading, given]) : Promise.all([reading, given]));
    } catch (err) {
      if (!isAbort(err)) await Promise.race([reading, sleep(DRAIN_MS, signal)]).catch(() => undefined);
      throw err;
    } finally {
      input.unpipe(socket);
      socket.destroy();
      over.abort();
      await reading.catch(() => undefined);
    }
  });

/** Resolves when the input has ended and all of it is typed. @throws what the agent says of another end. */
const whenGivenBack = async (socket: Socket, input: Readable, hostName: string): Promise<void> => {
  let told = '';
  // Empty lines tell that the agent is there.
  socket.on('data', (chunk: Buffer) => (told = (told + chunk.toString()).trimStart()));
  socket.on('error', () => undefined); // 'close' follows
  if (!socket.closed) await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  if (told === '' && input.readableEnded) return;
  if (told !== '') throw parseTold(told, `the agent of host ${hostName} has ended the console`);
  throw new EcomputeError('ECOMPUTE_CONSOLE_CLOSED', `the agent of host ${hostName} closed the connection`, {
    retryable: true,
    hint: 'it may have been restarted: connect again',
  });
};
