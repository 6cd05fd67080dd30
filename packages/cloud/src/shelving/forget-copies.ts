import { EcomputeError } from '@etcd-compute/common/errors';
import { imageOfCopy, type DiskCopy } from '@etcd-compute/common/etcd/messages/shelved';
import { wishForImage } from '../images/wish-for-image.js';
import type { Services } from '../services.js';

export interface ForgetOptions {
  readonly copies: readonly DiskCopy[];
  /** Of the instance. */
  readonly project: string;
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Has the hosts that hold copies forget them: nobody needs them any more. Repeatable. The source of a copy tells it from a later one.
 *
 * @returns why some are still there; an audit finds those.
 */
export const forgetCopies = async (
  services: Services,
  { copies, project, waitMs, signal }: ForgetOptions,
): Promise<readonly Error[]> => {
  const results = await Promise.all(copies.map(async (copy) => forget(services, copy, { project, waitMs, signal })));
  return results.flat();
};

const forget = async (
  services: Services,
  copy: DiskCopy,
  { project, waitMs, signal }: Omit<ForgetOptions, 'copies'>,
): Promise<readonly Error[]> => {
  const wanted = { wish: 'remove', image: imageOfCopy(copy), project, source: copy.source } as const;
  try {
    const hosts = [copy.source.host];
    return (await wishForImage(services, wanted, { hosts, waitMs, ...(signal && { signal }) })).errors;
  } catch (err) {
    // Its host is down, or etcd is away.
    if (err instanceof EcomputeError) return [err];
    throw err;
  }
};
