import type { HttpFault } from '@etcd-compute/testing/http-proxy';
import { pathOf, type Inject } from './inject.js';

/** What Placement answers, or does not. */

const answer = (status: number, { title, code }: { title: string; code?: string }): HttpFault => ({
  kind: 'status',
  status,
  body: JSON.stringify({ errors: [{ status, title, detail: `${title}\n\nOn purpose.`, ...(code && { code }) }] }),
});

const SLOW_MS = 1200;

const faults = {
  conflict: {
    ...answer(409, { title: 'Conflict', code: 'placement.concurrent_update' }),
    // Placement never calls a question a conflict.
    writesOnly: true,
  },
  broken: answer(500, { title: 'Internal Server Error' }),
  unavailable: answer(503, { title: 'Service Unavailable' }),
  unauthorized: answer(401, { title: 'Unauthorized' }),
  /** What a proxy in front of it says of itself. */
  page: { kind: 'status', status: 200, body: '<html><body>On purpose.</body></html>' },
  slow: { kind: 'slow', delayMs: SLOW_MS },
  replyLost: { kind: 'reply-lost', writesOnly: true },
} as const satisfies Record<string, HttpFault>;

export const placementReply =
  (kind: keyof typeof faults): Inject =>
  async (context) => {
    const http = pathOf(context).placement?.http;
    if (!http) return undefined;
    http.setFault(faults[kind]);
    return async () => http.setFault(undefined);
  };
