import { withDeadline } from '../async/deadline.js';
import { formatErrorChain } from '../errors.js';
import type { StatusPage, StatusReply } from './status-page.js';

/** Shorter than whoever asks waits. */
const TIMEOUT_MS = 4_000;

/** Says whether requests can be served. @param catchUp resolves when etcd has answered, and the watch has brought all that is there. */
export const createHealthPage = (catchUp: () => Promise<unknown>): StatusPage => ({
  path: '/healthz',
  render: async () => {
    try {
      await withDeadline(async () => catchUp(), { timeoutMs: TIMEOUT_MS, what: 'reading what etcd holds' });
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
