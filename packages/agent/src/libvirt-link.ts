import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { superviseConnection, type Supervised } from '@etcd-compute/libvirt/reconnect';

/**
 * The connection to libvirt, made again whenever it breaks. After every connect, `onUp` puts things in order and everything is
 * looked at again; events are only hints in between.
 *
 * Calls to a daemon run one at a time on a connection, so there are more of them beside the first, which bring themselves up
 * again: whoever calls gets the one with the least to do. Events come on the first.
 */
export interface LibvirtLink extends AsyncDisposable {
  /** For the next call and what it returns; ask again for others. @throws ECOMPUTE_LIBVIRT_UNREACHABLE while there is none. */
  readonly getConnection: () => Connection;
  /** One that nobody else uses, for calls that wait for a guest. */
  readonly getPatientConnection: () => Connection;
  /** Waits for a connection that `onUp` has put in order. @throws the signal's reason. */
  readonly waitUp: (signal: AbortSignal) => Promise<void>;
}

export interface LibvirtLinkOptions {
  readonly uri: string;
  /** Calls at the same time, at the most. */
  readonly parallel: number;
  /** Runs on every new connection before anyone else gets it; when it fails, the connection is tried anew. */
  readonly onUp: (connection: Connection) => Promise<void>;
  /** A domain changed somehow. */
  readonly onDomainEvent: (instance: InstanceUuid) => void;
  /** The agent in a guest came or went. */
  readonly onGuestAgent: (instance: InstanceUuid, isConnected: boolean) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface Other {
  readonly supervised: Supervised;
  connection: Connection | undefined;
}

/** A daemon that says nothing for 15 s is taken for dead. The in-process test driver has no daemon and ignores it. */
const KEEP_ALIVE = { intervalSeconds: 5, count: 3 };

export const openLibvirtLink = ({
  uri,
  parallel,
  onUp,
  onDomainEvent,
  onGuestAgent,
  log,
  signal,
}: LibvirtLinkOptions): LibvirtLink => {
  let current: Connection | undefined;
  let said = '';
  const notify = ({ uuid }: { uuid: string }): void => {
    const instance = instanceUuidSchema.safeParse(uuid);
    if (instance.success) onDomainEvent(instance.data);
  };
  const supervision = { uri, keepAlive: KEEP_ALIVE, minBackoffMs: 250, maxBackoffMs: 5_000, signal };
  const others: Other[] = [];
  let patient: Other | undefined;
  const openOther = (): Other => {
    const other: Other = {
      connection: undefined,
      supervised: superviseConnection({
        ...supervision,
        onUp: (connection) => {
          other.connection = connection;
        },
        // The first one's trouble is the same, and is told.
        onDown: () => {
          other.connection = undefined;
        },
      }),
    };
    return other;
  };
  const openOthers = (): void => {
    while (others.length < parallel - 1) others.push(openOther());
    patient ??= openOther();
  };
  const supervised = superviseConnection({
    ...supervision,
    onUp: async (connection) => {
      await connection.onDomainLifecycle(notify);
      await connection.onDomainReboot(notify);
      await connection.onDomainAgentLifecycle(({ uuid, isConnected }) => {
        const instance = instanceUuidSchema.safeParse(uuid);
        if (instance.success) onGuestAgent(instance.data, isConnected);
      });
      await onUp(connection);
      if (connection.isRemote) openOthers();
      current = connection;
      said = '';
      log.info({ uri }, 'connected to libvirt');
    },
    onDown: (err) => {
      current = undefined;
      if (err.message !== said) log.warn({ err, uri }, 'no connection to libvirt, trying again; guests go on');
      said = err.message;
    },
  });
  const getConnection = (): Connection => {
    if (current && !current.isClosed)
      return leastBusy([current, ...others.flatMap(({ connection }) => connection ?? [])]);
    throw new EcomputeError('ECOMPUTE_LIBVIRT_UNREACHABLE', `there is no connection to libvirt at ${uri}`, {
      retryable: true,
      hint: 'check that libvirtd runs, and that this user may use it (group libvirt)',
    });
  };
  return {
    getConnection,
    getPatientConnection: () =>
      patient?.connection && !patient.connection.isClosed ? patient.connection : getConnection(),
    waitUp: async (waitSignal) => {
      await supervised.waitUp(waitSignal);
    },
    [Symbol.asyncDispose]: async () => {
      await supervised[Symbol.asyncDispose]();
      const all = patient ? [...others, patient] : others;
      await Promise.all(all.map(async (other) => other.supervised[Symbol.asyncDispose]()));
    },
  };
};

/** The earliest of those with the fewest calls, so that the others are at rest when there is little to do. */
const leastBusy = (connections: readonly [Connection, ...Connection[]]): Connection => {
  let [best] = connections;
  for (const connection of connections)
    if (!connection.isClosed && connection.callsInFlight < best.callsInFlight) best = connection;
  return best;
};
