import { withDeadline } from '@etcd-compute/common/async/deadline';
import { formatErrorChain } from '@etcd-compute/common/errors';
import type { StatusPage } from '@etcd-compute/common/serving/status-page';
import type { IdentityStore } from '../identity/state/identity-store.js';

/** Shorter than whoever asks waits. */
const TIMEOUT_MS = 4_000;

/** Says whether requests can be served: etcd answers, and the watch has brought all that is there. */
export const createHealthPage = ({ look }: Pick<IdentityStore, 'look'>): StatusPage => {
  const reply = (status: number, body: object) => ({
    status,
    contentType: 'application/json',
    body: `${JSON.stringify(body)}\n`,
  });
  return {
    path: '/healthz',
    render: async () => {
      try {
        await withDeadline(async () => look(), { timeoutMs: TIMEOUT_MS, what: 'reading what etcd holds' });
        return reply(200, { status: 'ok' });
      } catch (err) {
        return reply(503, { status: 'unavailable', reason: formatErrorChain(err) });
      }
    },
  };
};
