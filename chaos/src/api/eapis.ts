import { join } from 'node:path';
import { startEapi, type EapiServer } from '@etcd-compute/testing/eapi';
import type { Resources } from '@etcd-compute/testing/resources';
import { startTcpProxy, type TcpProxy } from '@etcd-compute/testing/tcp-proxy';
import { getFreePort } from '@etcd-compute/testing/free-port';
import type { ClientPath } from '../client-path.js';
import type { EtcdUsers } from '../etcd-users.js';
import type { Violation } from '../invariants/rule.js';

/** One eapi, and what lies between it and everybody else. */
export interface Eapi {
  readonly index: number;
  readonly service: EapiServer;
  /** To etcd and Placement. */
  readonly path: ClientPath;
  /** Before it: the way of its clients. */
  readonly front: TcpProxy;
  /** Where it has the contents of images; others may have the same folder. */
  readonly imagesDir: string;
  /** Ends that no fault explains. */
  readonly surprises: string[];
}

export interface EapiOptions {
  readonly index: number;
  readonly dir: string;
  readonly path: ClientPath;
  readonly etcdUsers: EtcdUsers;
  readonly imagesDir: string;
}

const HOST = '127.0.0.1';

export const openEapi = async (resources: Resources, options: EapiOptions): Promise<Eapi> => {
  const { index, path, etcdUsers, imagesDir } = options;
  const port = await getFreePort();
  const front = resources.keep(await startTcpProxy({ host: HOST, port }));
  const service = resources.keep(
    await startEapi({
      etcd: { host: HOST, port: 1 },
      dir: join(options.dir, `eapi${index}`),
      port,
      config: {
        ...path.config,
        etcd: { ...path.config.etcd, ...etcdUsers.sectionOf('eapi') },
        public_url: front.endpoint,
        images: { folder: imagesDir, listen: HOST, advertise: [HOST], keep_free: 0 },
      },
    }),
  );
  return { index, service, path, front, imagesDir, surprises: [] };
};

/** One that a fault ends is started again by it; all others go on. */
export const findEndedEapis = async (eapis: readonly Eapi[]): Promise<Violation[]> => {
  const found: Violation[] = [];
  for (const { index, service, surprises } of eapis) {
    found.push(...surprises.map((what) => ({ rule: 'eapi ended', what })));
    if (!(await service.isRunning())) found.push({ rule: 'eapi ended', what: `eapi ${index} is not there any more` });
  }
  return found;
};
