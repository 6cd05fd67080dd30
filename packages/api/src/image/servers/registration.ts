import { sleep } from '@etcd-compute/common/async/sleep';
import type { AgentEndpoint } from '@etcd-compute/common/etcd/messages/agent-endpoint';
import type { Lease, Store } from '@etcd-compute/common/etcd/store';
import { isAbort } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';

export interface RegistrationDeps {
  readonly etcd: Store;
  readonly key: string;
  readonly endpoint: AgentEndpoint;
  readonly log: Logger;
}

/** After a server was killed, its uploads and imports are given up this much later. */
const TTL_SECONDS = 15;
const RENEW_MS = (TTL_SECONDS * 1000) / 3;

/** Tells where this server is, for as long as it lives: the key stands under a lease. @returns ends that. */
export const register = async (deps: RegistrationDeps): Promise<AsyncDisposable> => {
  const closing = new AbortController();
  const { signal } = closing;
  let lease = await tell(deps);

  /** Takes another lease when the last one has run out, as when etcd was away for long. */
  const renew = async (): Promise<void> => {
    try {
      if (!(await lease.keepAlive())) lease = await tell(deps);
    } catch (err) {
      deps.log.warn({ err }, 'could not tell where images are');
    }
  };
  const keep = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(RENEW_MS, signal, false);
      await renew();
    }
  };
  const running = keep().catch((err: unknown) => {
    if (!isAbort(err)) throw err;
  });
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
      await lease.revoke().catch((err: unknown) => deps.log.debug({ err }, 'a lease is left to run out'));
    },
  };
};

const tell = async ({ etcd, key, endpoint }: RegistrationDeps): Promise<Lease> => {
  const lease = await etcd.grantLease(TTL_SECONDS);
  const before = await etcd.get(key);
  await etcd.txn(
    [{ key, modRevision: before?.modRevision ?? '0' }],
    [{ op: 'put', key, value: JSON.stringify(endpoint), lease: lease.id }],
  );
  return lease;
};
