import { once } from 'node:events';
import type { Cloud } from '@etcd-compute/cloud';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';

export interface WaitForSshOptions {
  readonly instance: string;
  readonly port: number;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

const LOOK_EVERY_MS = 500;
const GREETING_TIMEOUT_MS = 10_000;

/**
 * Waits until the instance is active and its ssh server says something. Returns early where waiting brings nothing, as in another
 * state or when its host serves no tunnels: whoever goes on is told then.
 */
export const waitForSsh = async (cloud: Cloud, options: WaitForSshOptions): Promise<InstanceView> => {
  const { instance, port, timeoutSeconds, signal } = options;
  const giveUpAt = performance.now() + timeoutSeconds * 1000;
  let last: unknown;
  while (performance.now() < giveUpAt) {
    const view = await cloud.get(instance, { signal });
    if (view.state === 'active') {
      try {
        await greet(cloud, options);
        return view;
      } catch (err) {
        if (signal.aborted || !(err instanceof EcomputeError)) throw err;
        if (err.code !== 'ECOMPUTE_TUNNEL_FAILED') return view;
        last = err;
      }
    } else if (view.state !== 'scheduled' && view.state !== 'building') return view;
    await sleep(LOOK_EVERY_MS, signal);
  }
  throw new EcomputeError(
    'ECOMPUTE_TIMED_OUT',
    `no ssh server answered at port ${port} of instance ${instance} within ${timeoutSeconds} s`,
    { cause: last, details: { waitedFor: 'ssh', instance } },
  );
};

/** A port that is open is not enough: a server may listen before it can answer. */
const greet = async (cloud: Cloud, { instance, port, signal }: WaitForSshOptions): Promise<void> => {
  const socket = await cloud.openTunnel(instance, { port, signal });
  try {
    await once(socket, 'data', { signal: AbortSignal.any([signal, AbortSignal.timeout(GREETING_TIMEOUT_MS)]) });
  } catch (cause) {
    signal.throwIfAborted();
    throw new EcomputeError('ECOMPUTE_TUNNEL_FAILED', `port ${port} of instance ${instance} says nothing`, { cause });
  } finally {
    socket.destroy();
  }
};
