import { findInstance } from '../instances/find-instance.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { connectAgent } from '@etcd-compute/common/endpoint/connect-agent';
import { keyOf } from './connect-endpoint.js';
import { findEndpoint } from './find-endpoint.js';

/** Tries whether the agent of an instance's host takes connections from here. @throws EcomputeError with the reason when it does not. */
export const checkAgent = async (services: Services, uuidOrName: string, options: RunOptions = {}): Promise<void> =>
  run(options, async ({ signal }) => {
    const { host } = await findInstance(services, uuidOrName);
    (await connectAgent(keyOf(await findEndpoint(services, host)), signal)).destroy();
  });
