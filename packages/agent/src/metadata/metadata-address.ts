import { once } from 'node:events';
import type { Server } from 'node:http';
import { jitter, sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import type { Connection } from '@etcd-compute/libvirt/connection';
import type { AgentConfig } from '../config/config.js';
import { isElsewhere } from '../servers/fault.js';
import { getGuestBridge } from '../networks/guest-bridge.js';
import { addMetadataAddress, METADATA_ADDRESS, removeMetadataAddress, type Bridge } from '../networks/ip.js';
import { openBoundSocket } from './bound-socket.js';

/**
 * http://169.254.169.254/ on the bridge of the managed network, and on nothing else: the address is put on the bridge, and the server
 * listens on a socket of that bridge. Both are looked at again every few seconds, since they go with the bridge when somebody
 * restarts the network.
 */
export interface MetadataAddress {
  /** Puts it up, and from then on keeps it up. @throws ECOMPUTE_METADATA_FAILED, ECOMPUTE_NETWORK_FAILED */
  readonly open: () => Promise<void>;
  /** Takes it down; repeatable. */
  readonly close: () => Promise<void>;
}

export interface MetadataAddressOptions {
  readonly config: AgentConfig['network'];
  readonly getConnection: () => Connection;
  readonly createServer: () => Server;
  readonly log: Logger;
}

const LOOK_EVERY_MS = 5_000;
const PORT = 80;

interface Listening {
  readonly bridge: Bridge;
  readonly server: Server;
}

const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another server listens on port 80 of all addresses of this host: let it listen on its own ones alone',
  EACCES: 'run ecompute as root, or with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE',
  EPERM: 'run ecompute as root, or with CAP_NET_ADMIN and CAP_NET_BIND_SERVICE',
};

const failed = (what: string, cause: unknown): EcomputeError => {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return new EcomputeError('ECOMPUTE_METADATA_FAILED', what, {
    cause,
    hint: HINTS[code] ?? 'it needs the program ip (iproute2) and root privileges; or set metadata to false',
  });
};

export const createMetadataAddress = (options: MetadataAddressOptions): MetadataAddress => {
  const { config, getConnection, createServer, log } = options;
  const ended = new AbortController();
  let listening: Listening | undefined;
  let keeping: Promise<void> = Promise.resolve();

  const stopListening = async (): Promise<void> => {
    const server = listening?.server;
    listening = undefined;
    if (!server?.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  const ensure = async (): Promise<void> => {
    const bridge = await getGuestBridge(getConnection(), config);
    try {
      if (!bridge.addresses.includes(METADATA_ADDRESS)) await addMetadataAddress(bridge.name);
      if (listening?.server.listening && listening.bridge.index === bridge.index) return;
      await stopListening();
      const server = createServer();
      server.listen({ fd: openBoundSocket({ device: bridge.name, address: METADATA_ADDRESS, port: PORT }) });
      await once(server, 'listening');
      listening = { bridge, server };
    } catch (cause) {
      throw failed(`could not listen on ${METADATA_ADDRESS} of bridge ${bridge.name}`, cause);
    }
    log.info({ bridge: bridge.name, address: METADATA_ADDRESS }, 'metadata address is up');
  };
  const keep = async (): Promise<void> => {
    let said = '';
    for (;;) {
      await sleep(jitter(LOOK_EVERY_MS), ended.signal, false).catch(() => undefined);
      if (ended.signal.aborted) return;
      try {
        await ensure();
        said = '';
      } catch (err) {
        const message = err instanceof Error ? err.message : String(err);
        // libvirt's being away is told elsewhere, and the address may well be up.
        if (message !== said && !isElsewhere(err)) log.error({ err }, 'metadata address is down, trying again');
        said = message;
      }
    }
  };
  return {
    open: async () => {
      await ensure();
      keeping = keep();
    },
    close: async () => {
      ended.abort();
      await keeping;
      const name = listening?.bridge.name;
      await stopListening();
      // It may be gone with its bridge.
      if (name !== undefined) await removeMetadataAddress(name).catch(() => undefined);
    },
  };
};

/** Removes the address that an agent has left which was killed, and had the option on. Best effort: most hosts never had it. */
export const removeLeftAddress = async (
  connection: Connection,
  { config, log }: Pick<MetadataAddressOptions, 'config' | 'log'>,
): Promise<void> => {
  try {
    const { name, addresses } = await getGuestBridge(connection, config);
    if (addresses.includes(METADATA_ADDRESS)) await removeMetadataAddress(name);
  } catch (err) {
    // libvirt's test driver has no bridges, and libvirt may be elsewhere.
    log.debug({ err }, 'no metadata address to remove');
  }
};
