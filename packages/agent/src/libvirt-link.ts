import { EcomputeError } from '@etcd-compute/common/errors';
import { instanceUuidSchema, type InstanceUuid } from '@etcd-compute/common/ids';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { superviseConnection } from '@etcd-compute/libvirt/reconnect';

/**
 * The connection to libvirt, made again whenever it breaks. After every connect, `onUp` puts things in order and everything is
 * looked at again; events are only hints in between.
 */
export interface LibvirtLink extends AsyncDisposable {
  /** @throws ECOMPUTE_LIBVIRT_UNREACHABLE while there is none. */
  readonly getConnection: () => Connection;
  /** Waits for a connection that `onUp` has put in order. @throws the signal's reason. */
  readonly waitUp: (signal: AbortSignal) => Promise<void>;
}

export interface LibvirtLinkOptions {
  readonly uri: string;
  /** Runs on every new connection before anyone else gets it; when it fails, the connection is tried anew. */
  readonly onUp: (connection: Connection) => Promise<void>;
  /** A domain changed somehow. */
  readonly onDomainEvent: (instance: InstanceUuid) => void;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A daemon that says nothing for 15 s is taken for dead. The in-process test driver has no daemon and ignores it. */
const KEEP_ALIVE = { intervalSeconds: 5, count: 3 };

export const openLibvirtLink = ({ uri, onUp, onDomainEvent, log, signal }: LibvirtLinkOptions): LibvirtLink => {
  let current: Connection | undefined;
  let said = '';
  const notify = ({ uuid }: { uuid: string }): void => {
    const instance = instanceUuidSchema.safeParse(uuid);
    if (instance.success) onDomainEvent(instance.data);
  };
  const supervised = superviseConnection({
    uri,
    keepAlive: KEEP_ALIVE,
    minBackoffMs: 250,
    maxBackoffMs: 5_000,
    signal,
    onUp: async (connection) => {
      await connection.onDomainLifecycle(notify);
      await connection.onDomainReboot(notify);
      await onUp(connection);
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
  return {
    getConnection: () => {
      if (current && !current.isClosed) return current;
      throw new EcomputeError('ECOMPUTE_LIBVIRT_UNREACHABLE', `there is no connection to libvirt at ${uri}`, {
        retryable: true,
        hint: 'check that libvirtd runs, and that this user may use it (group libvirt)',
      });
    },
    waitUp: async (waitSignal) => {
      await supervised.waitUp(waitSignal);
    },
    [Symbol.asyncDispose]: async () => supervised[Symbol.asyncDispose](),
  };
};
