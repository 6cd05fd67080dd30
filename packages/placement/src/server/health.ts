import { withDeadline } from '@etcd-compute/common/async/deadline';
import { formatErrorChain } from '@etcd-compute/common/errors';
import type { StatusPage, StatusReply } from '@etcd-compute/common/serving/status-page';
import type { EtcdPlacementStore } from '../store/etcd-store.js';

/** Shorter than whoever asks waits. */
const TIMEOUT_MS = 4_000;

/** Says whether requests can be served: etcd answers, and the watch has brought all that is there. */
export const createHealthPage = ({ catchUp }: Pick<EtcdPlacementStore, 'catchUp'>): StatusPage => ({
  path: '/healthz',
  render: async () => {
    try {
      await withDeadline(catchUp, { timeoutMs: TIMEOUT_MS, what: 'reading what etcd holds' });
      return reply(200, { status: 'ok' });
    } catch (err) {
      return reply(503, { status: 'unavailable', reason: formatErrorChain(err) });
    }
  },
});

const reply = (status: number, body: object): StatusReply => ({
  status,
  contentType: 'application/json',
  body: `${JSON.stringify(body)}\n`,
});
