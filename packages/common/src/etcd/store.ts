import { Etcd3, EtcdLeaseInvalidError, type IKeyValue } from 'etcd3';
import type { EtcdSection } from '../config/sections.js';
import { readSecretFile } from '../config/load.js';
import { isSurelyUnwritten, toEtcdError } from './errors.js';
import { createFailover } from './store-failover.js';

/**
 * All that we use of etcd, and the only importer of etcd3. Revisions and lease ids are decimal strings: they are 64 bit.
 *
 * etcd3 needs care (measured with 1.1.2): its watcher moves its start revision forward when it reconnects and then loses
 * events silently, and its leases tell of their loss late. So a watch here ends at the first sign of trouble and its owner lists
 * again (`watch-prefix.ts`), and leases are kept alive call by call.
 */
export interface Entry {
  readonly key: string;
  readonly value: string;
  readonly modRevision: string;
  readonly createRevision: string;
  /** `0` when the key is under no lease. */
  readonly lease: string;
}

/** A guard of a txn: `modRevision: '0'` means that the key does not exist. */
export interface Guard {
  readonly key: string;
  readonly modRevision: string;
}

export type Write =
  | { readonly op: 'put'; readonly key: string; readonly value: string; readonly lease?: string }
  | { readonly op: 'delete'; readonly key: string };

export interface Lease {
  readonly id: string;
  readonly ttlSeconds: number;
  /** @returns false when the lease is gone: take another. Throws when etcd could not be asked. */
  keepAlive(): Promise<boolean>;
  /** Removes the lease and every key under it. */
  revoke(): Promise<void>;
}

export interface WatchHandlers {
  /** Keys that changed; a hint, never the truth. */
  readonly onChange: (keys: readonly string[]) => void;
  /** Called once: the watch is over and may have missed something. */
  readonly onEnd: (reason: string) => void;
}

export interface Store extends AsyncDisposable {
  /** For messages: the endpoints, without credentials. */
  readonly endpoints: string;
  get(key: string): Promise<Entry | undefined>;
  /** Several keys as of one revision, in the order asked. */
  getMany(keys: readonly string[]): Promise<{ entries: (Entry | undefined)[]; revision: string }>;
  list(prefix: string): Promise<{ entries: Entry[]; revision: string }>;
  /** Writes all or nothing. @returns whether every guard held; a lost race is not an error. */
  txn(guards: readonly Guard[], writes: readonly Write[]): Promise<{ isCommitted: boolean; revision: string }>;
  grantLease(ttlSeconds: number): Promise<Lease>;
  /** Watches from a revision on, until the returned function is called or `onEnd` was. */
  watch(prefix: string, fromRevision: string, handlers: WatchHandlers): () => void;
  close(): Promise<void>;
}

const toEntry = (kv: IKeyValue): Entry => ({
  key: kv.key.toString(),
  value: kv.value.toString(),
  modRevision: kv.mod_revision,
  createRevision: kv.create_revision,
  lease: kv.lease,
});

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

/** Opens a store; nothing is sent before the first call. */
export const openStore = async (etcd: EtcdSection): Promise<Store> => {
  const scheme = etcd.ca_cert === undefined ? 'http' : 'https';
  const hosts = etcd.hosts ?? [`${scheme}://${etcd.host}:${etcd.port}`];
  const endpoints = hosts.join(', ');
  const timeoutMs = etcd.timeout * 1000;
  const failover = createFailover(hosts.length);
  // A member that says nothing must leave time to ask another one.
  const attemptMs = hosts.length > 1 ? timeoutMs / 2 : timeoutMs;
  const client = new Etcd3({
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
      'grpc.max_reconnect_backoff_ms': 2_000,
      'grpc.initial_reconnect_backoff_ms': 200,
    },
  });
  const call = async <T>(verb: string, run: () => Promise<T>): Promise<T> => {
    const giveUpAt = performance.now() + timeoutMs;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await run();
      } catch (thrown) {
        const err = toEtcdError(failover.reasonOf(thrown), verb, endpoints);
        const isElsewhereBetter = err.code === 'ECOMPUTE_ETCD_UNREACHABLE' && isSurelyUnwritten(err);
        if (!isElsewhereBetter || attempt >= hosts.length || performance.now() > giveUpAt) throw err;
      }
    }
  };

  const list = async (prefix: string): ReturnType<Store['list']> => {
    const reply = await call(`list ${prefix}`, () => client.getAll().prefix(prefix).exec());
    return { entries: reply.kvs.map(toEntry), revision: reply.header.revision };
  };

  const getMany = async (keys: readonly string[]): ReturnType<Store['getMany']> => {
    const [first = ''] = keys;
    const reply = await call(`get ${first}`, () =>
      client
        .if(first, 'Version', '>', -1)
        .then(...keys.map((key) => client.get(key)))
        .commit(),
    );
    const entries = reply.responses.map((response) => response.response_range.kvs[0]).map((kv) => kv && toEntry(kv));
    return { entries, revision: reply.header.revision };
  };

  const txn = async (guards: readonly Guard[], writes: readonly Write[]): ReturnType<Store['txn']> => {
    const [first, ...rest] = guards;
    if (!first) throw new Error('a txn needs a guard');
    const reply = await call(`write ${writes[0]?.key ?? first.key}`, () => {
      let builder = client.if(first.key, 'Mod', '==', first.modRevision);
      for (const guard of rest) builder = builder.and(guard.key, 'Mod', '==', guard.modRevision);
      const ops = writes.map((write) => {
        if (write.op === 'delete') return client.delete().key(write.key);
        const put = client.put(write.key).value(write.value);
        return write.lease === undefined ? put : put.lease(write.lease);
      });
      return builder.then(...ops).commit();
    });
    return { isCommitted: reply.succeeded, revision: reply.header.revision };
  };

  const grantLease = async (ttlSeconds: number): Promise<Lease> => {
    const lease = client.lease(ttlSeconds, { autoKeepAlive: false });
    // Without a listener etcd3 would throw from a timer; `keepAlive` finds the loss itself.
    lease.on('lost', () => undefined);
    const id = await call('take a lease', () => lease.grant());
    return {
      id,
      ttlSeconds,
      keepAlive: async () => {
        try {
          await call('keep a lease', () => lease.keepaliveOnce({ deadline: Date.now() + attemptMs }));
          return true;
        } catch (err) {
          if (err instanceof Error && err.cause instanceof EtcdLeaseInvalidError) return false;
          throw err;
        }
      },
      revoke: async () => {
        await call('revoke a lease', () => lease.revoke({ deadline: Date.now() + attemptMs }));
      },
    };
  };

  const watch: Store['watch'] = (prefix, fromRevision, { onChange, onEnd }) => {
    // `watcher()` and not `create()`: the listeners are there before the first event can be.
    const watcher = client.watch().prefix(prefix).startRevision(fromRevision).watcher();
    let hasEnded = false;
    const stop = (): void => {
      hasEnded = true;
      void watcher.cancel().catch(() => undefined);
    };
    const end = (reason: string): void => {
      if (hasEnded) return;
      stop();
      onEnd(reason);
    };
    watcher.on('data', ({ events }) => {
      if (!hasEnded) onChange(events.map((event) => event.kv.key.toString()));
    });
    watcher.on('disconnected', () => end('disconnected'));
    watcher.on('error', (error) => end(error.message || 'ended by etcd, probably compacted'));
    watcher.on('end', () => end('ended'));
    return stop;
  };

  const close = async (): Promise<void> => client.close();
  return {
    endpoints,
    get: async (key) => (await getMany([key])).entries[0],
    getMany,
    list,
    txn,
    grantLease,
    watch,
    close,
    [Symbol.asyncDispose]: close,
  };
};
