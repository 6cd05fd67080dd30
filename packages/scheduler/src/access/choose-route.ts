import { connect } from 'node:net';
import type { Cloud } from '@etcd-compute/cloud';
import { describeMisses, firstConnection } from '@etcd-compute/common/endpoint/first-connection';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { EcomputeError, formatErrorChain, type ErrorCode } from '@etcd-compute/common/errors';
import type { SshRoute } from './ssh-arguments.js';

const DIRECT_TIMEOUT_MS = 3_000;

/** With these the other way is tried: the agent is away or not to be reached from here. */
const NO_TUNNEL: readonly ErrorCode[] = [
  'ECOMPUTE_HOST_DOWN',
  'ECOMPUTE_ENDPOINT_MISSING',
  'ECOMPUTE_ENDPOINT_REFUSED',
  'ECOMPUTE_ENDPOINT_UNREACHABLE',
  'ECOMPUTE_ETCD_REFUSED',
];

const isOfNobodyElse = (address: string): boolean => !/^(127\.|169\.254\.|::1$|fe[89ab])/i.test(address);

export interface RouteOptions {
  readonly view: InstanceView;
  readonly port: number;
  readonly configPath: string | undefined;
  readonly note: (text: string) => void;
  readonly signal: AbortSignal;
}

/**
 * The way to a guest: through the agent of its host, which knows the guest by its uuid, and only without that to its addresses.
 * Not the other way round, because every host has the same private network by default: who is a host himself, or has a
 * network like it, would reach somebody else's guest at that address.
 */
export const chooseRoute = async (cloud: Cloud, options: RouteOptions): Promise<SshRoute> => {
  const { view, port, configPath, note, signal } = options;
  let reason: EcomputeError;
  try {
    await cloud.checkAgent(view.instance, { signal });
    return { by: 'tunnel', configPath };
  } catch (err) {
    if (!(err instanceof EcomputeError && NO_TUNNEL.includes(err.code))) throw err;
    reason = err;
  }
  const addresses = view.addresses.filter(({ address }) => isOfNobodyElse(address));
  const result = await firstConnection({
    addresses: addresses.map(({ address }) => address),
    connect: (host) => connect({ host, port }),
    event: 'connect',
    timeoutMs: DIRECT_TIMEOUT_MS,
    signal,
  });
  if ('socket' in result) {
    result.socket.destroy();
    const { address } = result;
    note(`eschedule: ${formatErrorChain(reason)}; going to ${address} directly`);
    const isAmbiguous = addresses.some((known) => known.address === address && known.source === 'lease');
    return { by: 'address', address, isAmbiguous };
  }
  const direct = describeMisses(result.misses) || 'it has no address';
  throw new EcomputeError(
    'ECOMPUTE_SSH_FAILED',
    `could not reach port ${port} of instance ${view.instance}: not directly (${direct}), nor through its host`,
    { cause: reason, hint: reason.hint ?? 'see `eschedule hosts`' },
  );
};
