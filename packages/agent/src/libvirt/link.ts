import { setMaxListeners } from 'node:events';
import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError } from '@etcd-compute/libvirt/errors';
import { superviseConnection, type SuperviseOptions, type Supervised } from '@etcd-compute/libvirt/reconnect';
import type { AgentConfig } from '../config/config.js';
import { createLane, type Lane } from './lane.js';

/**
 * The agent's connections to libvirt. Calls to a daemon run one at a time on a connection, so calls of one kind are kept away from
 * those of another that may take longer:
 *
 *   events   one; tells what happens, is put in order by `onUp` when it is new, and carries no other call
 *   shared   for questions that libvirt answers by itself, at once; whoever asks gets the one with the least to do
 *   lanes    lent to one user at a time: `work` makes disks and guests, `destroy` ends guests, `guest` asks them
 *
 * Each call has a deadline. One that misses it costs its connection, which is replaced, and nothing else.
 */
export interface LibvirtLink extends AsyncDisposable {
  /**
   * For a question and what it returns; ask again for the next. @throws ECOMPUTE_LIBVIRT_UNREACHABLE while `onUp` has not put the link
   * in order.
   */
  readonly getConnection: () => Connection;
  readonly lend: Lend;
  /** Waits for a link that `onUp` has put in order. @throws the signal's reason. */
  readonly waitUp: (signal: AbortSignal) => Promise<void>;
  /** Those that are open all the time, of which somebody has to find out whether they are still good for anything. */
  readonly getOpen: () => readonly Connection[];
}

export type Purpose = 'work' | 'guest' | 'destroy';

/**
 * Lends a connection that nobody else uses meanwhile, as soon as there is one for this purpose.
 *
 * @throws ECOMPUTE_STEP_TIMED_OUT when a call in `use` takes too long: it says something of the instance, not of libvirt.
 */
export type Lend = <T>(
  purpose: Purpose,
  use: (connection: Connection) => Promise<T>,
  signal?: AbortSignal,
) => Promise<T>;

export interface LibvirtLinkOptions {
  readonly config: Pick<AgentConfig, 'libvirt' | 'timeouts'>;
  /**
   * Runs on every new connection before anyone else gets it; when it fails, the connection is tried anew.
   *
   * @param getConnection the link's own, for later.
   */
  readonly onUp: (connection: Connection, getConnection: () => Connection) => Promise<void>;
  /** The link is lost, or could not be made. @param isFirst it was up until now; most often it is up again at once. */
  readonly onDown: (err: Error, details: { readonly isFirst: boolean }) => void;
  /** A domain changed somehow. */
  readonly onDomainEvent: (instance: InstanceUuid) => void;
  /** The agent in a guest came or went. */
  readonly onGuestAgent: (instance: InstanceUuid, isConnected: boolean) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Silent guests hold one each until libvirt stops waiting for them. */
const GUEST_LANE_SIZE = 8;
/** libvirt waits ten seconds for a hypervisor process that does not end. */
const DESTROY_LANE_SIZE = 4;

/** How many libvirt calls run at the same time, at the most: those of the lanes, and questions. */
export const maxCalls = ({ libvirt }: Pick<AgentConfig, 'libvirt'>): number =>
  libvirt.threads + GUEST_LANE_SIZE + DESTROY_LANE_SIZE + 2;

/** Calls that hang and cannot be made to return, each in a thread of its own; with so many, no further connection is opened. */
export const MAX_HUNG_CALLS = 16;

/** A call that has been running for so long is slow: nobody should wait behind it. */
const SLOW_MS = 250;

export const openLibvirtLink = (options: LibvirtLinkOptions): LibvirtLink => {
  const { config, onUp, onDomainEvent, onGuestAgent, log, signal } = options;
  const { uri, threads } = config.libvirt;
  setMaxListeners(0, signal); // a few for each connection
  const questionMs = config.timeouts.libvirt * 1000;
  const workMs = config.timeouts.domain * 1000;
  // Without libvirt's keepalive: it would keep libvirt from closing the wire under a call that hangs. The probe finds what is dead.
  const backoff = { minBackoffMs: 250, maxBackoffMs: 5_000 };
  const supervision = { uri, keepAlive: null, connectTimeoutMs: questionMs, ...backoff, signal };
  const lane = (size: number): Lane =>
    createLane({ uri, size, callTimeoutMs: workMs, openTimeoutMs: questionMs, log, signal });
  const lanes: Readonly<Record<Purpose, Lane>> = {
    work: lane(threads),
    guest: lane(GUEST_LANE_SIZE),
    destroy: lane(DESTROY_LANE_SIZE),
  };
  const shared: Shared[] = [];
  const openShared = async (): Promise<void> => {
    while (shared.length < threads) shared.push(supervise({ ...supervision, callTimeoutMs: questionMs }));
    await Promise.race(shared.map(async ({ supervised }) => supervised.waitUp(signal)));
  };
  const abandonAll = (): void => {
    const cause = new Error(`libvirt at ${uri} does not answer`);
    for (const { connection } of shared) connection?.abandon(cause);
    for (const each of Object.values(lanes)) each.abandon(cause);
  };
  let current: Connection | undefined;
  const getConnection = (): Connection => {
    if (current && !current.isClosed) {
      const open = shared.flatMap(({ connection }) => connection ?? []).filter(({ isClosed }) => !isClosed);
      const connection = current.isRemote ? leastBusy(open) : current;
      if (connection) return connection;
    }
    throw new EcomputeError('ECOMPUTE_LIBVIRT_UNREACHABLE', `there is no connection to libvirt at ${uri}`, {
      retryable: true,
      hint: 'check that libvirtd runs, and that this user may use it (group libvirt)',
    });
  };
  const events = superviseConnection({
    ...supervision,
    callTimeoutMs: workMs,
    onUp: async (connection) => {
      connection.onClose((reason) => {
        // It carries no call that a guest could hold up, so the daemon is dead, and whatever waits for it does so in vain.
        if (reason === 'stuck') abandonAll();
      });
      await subscribe(connection, { onDomainEvent, onGuestAgent });
      await onUp(connection, getConnection);
      if (connection.isRemote) await openShared();
      current = connection;
      log.info({ uri }, 'connected to libvirt');
    },
    onDown: (err) => {
      const isFirst = current !== undefined;
      current = undefined;
      log.warn({ err, uri }, 'no connection to libvirt, trying again; guests keep running');
      options.onDown(err, { isFirst });
    },
  });

  return {
    getConnection,
    lend: async (purpose, use, lendSignal) => {
      // The same errors as without lanes while libvirt is away. In this process, there is no wire on which one waits for another.
      const question = getConnection();
      try {
        return await (question.isRemote ? lanes[purpose].lend(use, lendSignal) : use(question));
      } catch (cause) {
        throw cause instanceof CallTimeoutError ? stepTimedOut(cause) : cause;
      }
    },
    waitUp: async (waitSignal) => {
      await events.waitUp(waitSignal);
    },
    getOpen: () => [current, ...shared.map(({ connection }) => connection)].filter((open) => open !== undefined),
    [Symbol.asyncDispose]: async () => {
      await events[Symbol.asyncDispose]();
      await Promise.all(shared.map(async ({ supervised }) => supervised[Symbol.asyncDispose]()));
    },
  };
};

const subscribe = async (
  connection: Connection,
  { onDomainEvent, onGuestAgent }: Pick<LibvirtLinkOptions, 'onDomainEvent' | 'onGuestAgent'>,
): Promise<void> => {
  const notify = ({ uuid }: { uuid: string }): void => {
    const instance = instanceUuidSchema.safeParse(uuid);
    if (instance.success) onDomainEvent(instance.data);
  };
  await connection.onDomainLifecycle(notify);
  await connection.onDomainReboot(notify);
  await connection.onDomainAgentLifecycle(({ uuid, isConnected }) => {
    const instance = instanceUuidSchema.safeParse(uuid);
    if (instance.success) onGuestAgent(instance.data, isConnected);
  });
};

interface Shared {
  readonly supervised: Supervised;
  connection: Connection | undefined;
}

const supervise = (options: Omit<SuperviseOptions, 'onUp' | 'onDown'>): Shared => {
  const one: Shared = {
    connection: undefined,
    supervised: superviseConnection({
      ...options,
      onUp: (connection) => {
        one.connection = connection;
      },
      // Trouble of the daemon is the first one's too, and is told there.
      onDown: () => {
        one.connection = undefined;
      },
    }),
  };
  return one;
};

/** Not behind a slow call; the earliest of those with the fewest calls, so that the others are at rest when there is little to do. */
const leastBusy = (connections: readonly Connection[]): Connection | undefined => {
  const isSlow = ({ busyForMs }: Connection): boolean => busyForMs > SLOW_MS;
  const [best] = connections.toSorted(
    (a, b) => Number(isSlow(a)) - Number(isSlow(b)) || a.callsInFlight - b.callsInFlight,
  );
  return best;
};

const stepTimedOut = (cause: CallTimeoutError): EcomputeError =>
  new EcomputeError('ECOMPUTE_STEP_TIMED_OUT', cause.message, {
    cause,
    retryable: true,
    hint: 'check the hypervisor process of the instance: it may be frozen, or its disk may not answer',
  });
