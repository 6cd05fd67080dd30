import { once } from 'node:events';
import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Cloud } from '../cloud.js';
import { readInstances, type InstanceEntry } from '../instances/instance-entry.js';
import { openTunnel } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';

export interface WaitForSshOptions {
  readonly entry: InstanceEntry;
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
export const waitForSsh = async (cloud: Cloud, options: WaitForSshOptions): Promise<InstanceEntry> => {
  const { port, timeoutSeconds, signal } = options;
  const giveUpAt = performance.now() + timeoutSeconds * 1000;
  let { entry } = options;
  let last: unknown;
  while (performance.now() < giveUpAt) {
    entry = (await readInstances(cloud, [entry]))[0] ?? entry;
    const state = entry.record?.state;
    if (state === 'active') {
      try {
        await greet(cloud, { ...options, entry });
        return entry;
      } catch (err) {
        if (signal.aborted || !(err instanceof EcomputeError)) throw err;
        if (err.code !== 'ECOMPUTE_TUNNEL_FAILED') return entry;
        last = err;
      }
    } else if (state !== 'scheduled' && state !== 'building') return entry;
    await sleep(LOOK_EVERY_MS, signal);
  }
  throw new EcomputeError(
    'ECOMPUTE_TIMED_OUT',
    `no ssh server answered at port ${port} of instance ${entry.instance} within ${timeoutSeconds} s`,
    { cause: last, hint: 'its console may tell why: `eschedule logs`' },
  );
};

/** A port that is open is not enough: a server may listen before it can answer. */
const greet = async (cloud: Cloud, { entry, port, signal }: WaitForSshOptions): Promise<void> => {
  const { instance, host } = entry;
  const socket = await openTunnel(await findEndpoint(cloud, host), { instance, port, signal });
  try {
    await once(socket, 'data', { signal: AbortSignal.any([signal, AbortSignal.timeout(GREETING_TIMEOUT_MS)]) });
  } catch (cause) {
    signal.throwIfAborted();
    throw new EcomputeError('ECOMPUTE_TUNNEL_FAILED', `port ${port} of instance ${instance} says nothing`, { cause });
  } finally {
    socket.destroy();
  }
};
