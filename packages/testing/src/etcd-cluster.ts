import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEtcd } from './etcd-server.js';
import type { EtcdServer } from './etcd-server.js';
import { getFreePort } from './free-port.js';

/** Several members of one etcd, each of which can be killed, stopped and restarted by itself. */
export interface EtcdCluster extends AsyncDisposable {
  readonly members: readonly EtcdServer[];
  /** For `etcdctl --endpoints`. */
  readonly endpoints: string;
  stop(): Promise<void>;
}

export interface EtcdClusterOptions {
  /** Default 3. */
  readonly size?: number;
  /** Holds the data and the logs `etcd-<n>.log`; kept when given. Without it, a new folder that `stop()` removes. */
  readonly dir?: string;
  /** More of etcd's own flags, for every member. */
  readonly args?: readonly string[];
}

export async function startEtcdCluster(options: EtcdClusterOptions = {}): Promise<EtcdCluster> {
  const ownFolder = options.dir === undefined ? await mkdtemp(join(tmpdir(), 'etcd-cluster-')) : undefined;
  const dir = options.dir ?? ownFolder ?? '';
  const names = Array.from({ length: options.size ?? 3 }, (_, index) => `etcd-${index}`);
  const peers: { name: string; peerPort: number }[] = [];
  for (const name of names) peers.push({ name, peerPort: await getFreePort() });
  const cluster = peers.map(({ name, peerPort }) => `${name}=http://127.0.0.1:${peerPort}`).join(',');
  // Together: none is healthy before most of them are there.
  const started = await Promise.allSettled(
    peers.map(async (peer) =>
      startEtcd({
        dataDir: join(dir, peer.name),
        log: join(dir, `${peer.name}.log`),
        member: { ...peer, cluster },
        ...(options.args && { args: options.args }),
      }),
    ),
  );
  const members = started.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const stop = async (): Promise<void> => {
    // The last ones cannot be elected any more, and need not.
    await Promise.all(members.map(async (member) => member.stop()));
    if (ownFolder) await rm(ownFolder, { recursive: true, force: true });
  };
  const failure = started.find((result) => result.status === 'rejected');
  if (failure) {
    await stop();
    throw failure.reason;
  }
  return {
    members,
    endpoints: members.map(({ host, port }) => `${host}:${port}`).join(','),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}
