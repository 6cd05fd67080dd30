import { EcomputeError } from '@etcd-compute/common/errors';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { describeHost, findHost } from './find-host.js';

/** Lets new instances come to a host again. @throws EcomputeError ECOMPUTE_HOST_NOT_DRAINING */
export const undrain = async (services: Services, uuidOrName: string, options: RunOptions = {}): Promise<void> =>
  run(options, async ({ emit, guard }) => {
    const found = await findHost(services, uuidOrName);
    const { host, name, stored, presence } = found;
    if (!stored)
      throw new EcomputeError('ECOMPUTE_HOST_NOT_DRAINING', `host ${describeHost(found)} is not drained`, {
        details: { host },
        hint: 'there is nothing to undo',
      });
    const store = await services.store();
    const key = services.keys.drain(host);
    // Whatever its value is by now: nobody wants the drain any more.
    const { modRevision = stored.modRevision } = (await store.get(key)) ?? {};
    await guard(async () => store.txn([{ key, modRevision }], [{ op: 'delete', key }]));
    emit({ type: 'undrain-asked', host, hostName: name, isHostDown: !presence });
  });
