import { connect as connectTls, type TLSSocket } from 'node:tls';
import { EcomputeError } from '../errors.js';
import { describeMisses, firstConnection } from './first-connection.js';
import { ENDPOINT_TLS } from './protocol.js';

/** An agent's endpoint, and what lets in. */
export interface AgentAccess {
  readonly addresses: readonly string[];
  readonly port: number;
  /** What the key is of: a session of the agent, or `snapshotIdentity`. */
  readonly identity: string;
  /** In base64. */
  readonly key: string;
  /** For people. */
  readonly hostName: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

const isRefusal = (error: Error): boolean => 'code' in error && /^(EPROTO|ERR_SSL)/.test(String(error.code));

/**
 * A connection to the agent that has the key, whichever of its addresses leads there.
 *
 * @throws EcomputeError ECOMPUTE_ENDPOINT_UNREACHABLE, ECOMPUTE_ENDPOINT_REFUSED
 */
export const connectAgent = async (access: AgentAccess, signal: AbortSignal): Promise<TLSSocket> => {
  const { addresses, port, key, identity, hostName } = access;
  const result = await firstConnection({
    addresses,
    connect: (host) =>
      connectTls({
        host,
        port,
        ...ENDPOINT_TLS,
        pskCallback: () => ({ psk: Buffer.from(key, 'base64'), identity }),
        // There is no certificate: the one cipher that is offered proves that the other side has the key.
        checkServerIdentity: () => undefined,
      }),
    event: 'secureConnect',
    timeoutMs: CONNECT_TIMEOUT_MS,
    signal,
  });
  if ('socket' in result) return result.socket;
  const { misses } = result;
  const details = { addresses, port };
  if (misses.some(({ error }) => isRefusal(error)))
    throw new EcomputeError(
      'ECOMPUTE_ENDPOINT_REFUSED',
      `what listens at port ${port} of host ${hostName} does not accept its key (${describeMisses(misses)})`,
      {
        details,
        retryable: true,
        hint: 'the agent may have been restarted just now; else something else listens there',
      },
    );
  throw new EcomputeError(
    'ECOMPUTE_ENDPOINT_UNREACHABLE',
    `could not reach the agent of host ${hostName} at port ${port} (${describeMisses(misses) || 'it names no address'})`,
    {
      details,
      retryable: true,
      hint: 'let its port through the firewall (endpoint.port), or set endpoint.advertise in its compute.yaml',
    },
  );
};
