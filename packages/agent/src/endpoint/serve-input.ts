import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { InputTarget } from '../consoles/open-input.js';
import { describeError } from './describe-error.js';

/** Who asks to type at a console. */
export interface InputQuery extends InputTarget {
  /** What others are told. */
  readonly by: string;
}

export interface InputServerDeps {
  readonly openInput: (target: InputTarget) => Promise<Duplex>;
  /** Who types nothing for so long loses the console. */
  readonly idleMs: number;
  readonly log: Logger;
}

/** Serves one connection to its end. `accept` is called once the console is open. @throws before that, with the reason. */
export type ServeInput = (query: InputQuery, client: Socket, accept: () => void) => Promise<void>;

interface Writer {
  readonly by: string;
  readonly since: string;
  /** Undefined: the client has ended by itself. */
  readonly end: (reason: EcomputeError | undefined) => void;
  readonly closed: Promise<void>;
}

/** A client that does not take the reason of its end. */
const FAREWELL_MS = 5_000;
const HEARTBEAT_MS = 5_000;

/** What people type, one at a time for each guest. What the guest answers is served as its console log. */
export const createInputServer = ({ openInput, idleMs, log }: InputServerDeps): ServeInput => {
  const writers = new Map<InstanceUuid, Writer>();

  return async ({ instance, by, isForced }, client, accept) => {
    const before = writers.get(instance);
    if (before && !isForced) throw busy(instance, before);
    const { promise: ended, resolve: end } = withResolvers<EcomputeError | undefined>();
    const { promise: closed, resolve: onClosed } = withResolvers<void>();
    const writer: Writer = { by, since: new Date().toISOString(), end, closed };
    // From here on, whoever comes has to take it from this one.
    writers.set(instance, writer);
    try {
      before?.end(takenBy(instance, by));
      await before?.closed;
      const guest = await openInput({ instance, isForced });
      try {
        if (client.destroyed) return;
        accept();
        log.info({ instanceUuid: instance, by, remoteAddress: client.remoteAddress }, 'console taken');
        const leave = join(client, guest, { instance, idleMs, end });
        const reason = await ended;
        leave();
        await bidFarewell(client, reason);
        log.info({ instanceUuid: instance, by }, 'console given back');
      } finally {
        await close(guest);
      }
    } finally {
      if (writers.get(instance) === writer) writers.delete(instance);
      onClosed();
    }
  };
};

interface JoinOptions {
  readonly instance: InstanceUuid;
  readonly idleMs: number;
  readonly end: Writer['end'];
}

/** As much is read of the client as the guest takes. @returns what ends that. */
const join = (client: Socket, guest: Duplex, { instance, idleMs, end }: JoinOptions): (() => void) => {
  guest.resume();
  guest.on('error', () => undefined); // 'close' follows
  guest.once('close', () => end(consoleClosed(instance)));
  // All that was typed has been handed to the guest; or the guest has ended, and takes nothing more.
  guest.once('finish', () => end(client.readableEnded ? undefined : consoleClosed(instance)));
  client.on('error', () => undefined);
  client.once('close', () => end(undefined));
  let typedAt = performance.now();
  client.on('data', () => {
    typedAt = performance.now();
  });
  client.pipe(guest);
  // A client that is not read, because the guest takes nothing, can only be seen to be gone by writing to it.
  const timer = setInterval(
    () => {
      if (performance.now() - typedAt > idleMs) end(idle(instance, idleMs));
      else client.write('\n');
    },
    Math.min(HEARTBEAT_MS, idleMs),
  );
  return () => {
    clearInterval(timer);
    client.unpipe(guest);
  };
};

/** What still comes is thrown away: a socket that is closed with bytes unread would take the reason along. */
const bidFarewell = async (client: Socket, reason: EcomputeError | undefined): Promise<void> => {
  client.resume();
  if (client.destroyed) return;
  client.end(reason ? `${describeError(reason).body}\n` : '');
  const timer = setTimeout(() => client.destroy(), FAREWELL_MS);
  if (!client.closed) await once(client, 'close').catch(() => undefined);
  clearTimeout(timer);
};

const close = async (guest: Duplex): Promise<void> => {
  guest.destroy();
  if (!guest.closed) await once(guest, 'close').catch(() => undefined);
};

const busy = (instance: InstanceUuid, { by, since }: Writer): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_BUSY', `${by} types at the console of instance ${instance} since ${since}`, {
    hint: '`--watch` shows it, `--force` takes it over',
  });

const takenBy = (instance: InstanceUuid, by: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_BUSY', `${by} has taken over the console of instance ${instance}`, {
    hint: '`--watch` shows it, `--force` takes it back',
  });

const consoleClosed = (instance: InstanceUuid): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONSOLE_CLOSED', `the console of instance ${instance} was closed`, {
    hint: 'the guest was stopped or restarted, or somebody has taken its console on the host',
  });

const idle = (instance: InstanceUuid, idleMs: number): EcomputeError =>
  new EcomputeError(
    'ECOMPUTE_CONSOLE_CLOSED',
    `nothing was typed at the console of instance ${instance} for ${idleMs / 1000} s`,
    { hint: 'connect again (`endpoint.idle` of the agent)' },
  );
