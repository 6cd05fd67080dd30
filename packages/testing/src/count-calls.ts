/**
 * Counts what this process asks of etcd and Placement, at Node's own clients: the programs that are measured know nothing of it.
 * To be imported before the program: `node --import`.
 */
import { subscribe } from 'node:diagnostics_channel';
import { ClientRequest, IncomingMessage } from 'node:http';
import http2, { type ClientHttp2Session } from 'node:http2';

export interface CallCounts {
  /** HTTP requests to Placement. */
  placement: number;
  /** From the first byte of a request to the last of its reply, summed up: those in flight together count each. */
  placementMs: number;
  /** Messages to etcd. An RPC is one; a watch is one more each time that it is set up or ended. */
  etcd: number;
  /** Those of them that name the key of an instance. */
  etcdOfInstances: number;
}

export const counts: CallCounts = { placement: 0, placementMs: 0, etcd: 0, etcdOfInstances: 0 };

const UUID = '[0-9a-f]{8}-[0-9a-f-]{27}';
const INSTANCE_KEY = new RegExp(`/(?:(?:hosts|reports)/${UUID}|instances|booted|ending)/${UUID}`);

const startedAt = new WeakMap<ClientRequest, number>();

// What the channels carry: https://nodejs.org/docs/latest-v20.x/api/diagnostics_channel.html#http
const member = (message: unknown, name: 'request' | 'response'): unknown =>
  typeof message === 'object' && message !== null ? Object.getOwnPropertyDescriptor(message, name)?.value : undefined;

subscribe('http.client.request.start', (message) => {
  const request = member(message, 'request');
  if (!(request instanceof ClientRequest) || !request.hasHeader('openstack-api-version')) return;
  counts.placement += 1;
  startedAt.set(request, performance.now());
});
subscribe('http.client.response.finish', (message) => {
  const [request, response] = [member(message, 'request'), member(message, 'response')];
  if (!(request instanceof ClientRequest) || !(response instanceof IncomingMessage)) return;
  const start = startedAt.get(request);
  if (start === undefined) return;
  response.once('end', () => (counts.placementMs += performance.now() - start));
});

/** gRPC writes each of its messages in one piece. */
const countMessage = (message: unknown): void => {
  if (!Buffer.isBuffer(message)) return;
  counts.etcd += 1;
  if (INSTANCE_KEY.test(message.toString('latin1'))) counts.etcdOfInstances += 1;
};

const { connect } = http2;
const countingConnect = (...args: Parameters<typeof connect>): ClientHttp2Session => {
  const session = connect(...args);
  const request = session.request.bind(session);
  session.request = (...requestArgs) => {
    const stream = request(...requestArgs);
    const write = stream.write.bind(stream);
    return Object.assign(stream, {
      write: (...all: Parameters<typeof write>) => {
        countMessage(all[0]);
        return write(...all);
      },
    });
  };
  return session;
};
Object.assign(http2, { connect: countingConnect });
