import { GRPCDeadlineExceededError, type Etcd3, type IResponseHeader } from 'etcd3';
import { retry } from '../async/retry.js';
import { EcomputeError } from '../errors.js';
import type { EtcdSection } from '../config/sections.js';
import { readSecretFile } from '../config/load.js';
import type { ClusterJudge } from './cluster.js';
import { isSurelyUnwritten, toEtcdError } from './errors.js';
import { createFailover } from './store-failover.js';
import { MAX_REPLY_BYTES } from './store-pages.js';
import { TokenClient } from './store-token.js';

/** etcd3 with the deadlines, the failover and the errors that all of ours have. */
export interface EtcdClient {
  readonly client: Etcd3;
  /** For messages: the endpoints, without credentials. */
  readonly endpoints: string;
  /** How long one call to one member may take. */
  readonly attemptMs: number;
  /** @param verb completes "could not … in etcd". @throws EcomputeError ECOMPUTE_ETCD_*. */
  readonly call: <T>(verb: string, run: () => Promise<T>) => Promise<T>;
  /** As `call`, for replies that are as of now, by all members: of leases and watches they are not. */
  readonly ask: <T extends { header: IResponseHeader }>(verb: string, run: () => Promise<T>) => Promise<T>;
}

const readCredentials = async (etcd: EtcdSection): Promise<Record<string, unknown>> => {
  const { ca_cert, cert_cert, cert_key, user } = etcd;
  const file = async (path: string | undefined, key: string): Promise<Buffer | undefined> =>
    path === undefined ? undefined : Buffer.from(await readSecretFile(path, key));
  const root = await file(ca_cert, 'etcd.ca_cert');
  const certChain = await file(cert_cert, 'etcd.cert_cert');
  const privateKey = await file(cert_key, 'etcd.cert_key');
  const password =
    etcd.password_file === undefined ? etcd.password : await readSecretFile(etcd.password_file, 'etcd.password_file');
  return {
    ...(root && { credentials: { rootCertificate: root, ...(certChain && { certChain, privateKey }) } }),
    ...(user !== undefined && password !== undefined && { auth: { username: user, password } }),
  };
};

/** Nothing is sent before the first call. @param judge looks at every reply to a read or a txn. */
export const openClient = async (etcd: EtcdSection, judge?: ClusterJudge): Promise<EtcdClient> => {
  const scheme = etcd.ca_cert === undefined ? 'http' : 'https';
  const hosts = etcd.hosts ?? [`${scheme}://${etcd.host}:${etcd.port}`];
  const endpoints = hosts.join(', ');
  const timeoutMs = etcd.timeout * 1000;
  const failover = createFailover(hosts.length);
  // A member that says nothing must leave time to ask another one.
  const attemptMs = hosts.length > 1 ? timeoutMs / 2 : timeoutMs;
  const client = new TokenClient({
    hosts,
    ...(await readCredentials(etcd)),
    faultHandling: failover.faultHandling,
    dialTimeout: attemptMs,
    defaultCallOptions: (context) => (context.isStream ? {} : { deadline: Date.now() + attemptMs }),
    grpcOptions: {
      // A connection that was cut without a word is noticed within 15 s.
      'grpc.keepalive_time_ms': 10_000,
      'grpc.keepalive_timeout_ms': 5_000,
      // etcd hangs up on who pings without a call in hand. The watch of an agent is one.
      'grpc.keepalive_permit_without_calls': 0,
      'grpc.max_receive_message_length': MAX_REPLY_BYTES,
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.initial_reconnect_backoff_ms': 200,
    },
  });
  const call = async <T>(verb: string, run: () => Promise<T>): Promise<T> => {
    const giveUpAt = performance.now() + timeoutMs;
    const runOnce = async (): Promise<T> => {
      const forgetToken = client.rememberToken();
      try {
        return await run();
      } catch (thrown) {
        if (thrown instanceof GRPCDeadlineExceededError) forgetToken();
        throw toEtcdError(failover.reasonOf(thrown), verb, endpoints);
      }
    };
    // Another member may answer.
    const isWorthIt = (err: unknown, attempt: number): boolean =>
      err instanceof EcomputeError &&
      err.code === 'ECOMPUTE_ETCD_UNREACHABLE' &&
      isSurelyUnwritten(err) &&
      attempt < hosts.length &&
      performance.now() <= giveUpAt;
    return retry(runOnce, { isWorthIt });
  };

  const ask = async <T extends { header: IResponseHeader }>(verb: string, run: () => Promise<T>): Promise<T> => {
    const judgeReply = judge?.begin();
    const reply = await call(verb, run);
    judgeReply?.({ clusterId: reply.header.cluster_id, revision: reply.header.revision });
    return reply;
  };

  return { client, endpoints, attemptMs, call, ask };
};
