import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import type { EtcdCluster } from '@etcd-compute/testing/etcd-cluster';
import type { EtcdCredentials } from '@etcd-compute/testing/etcd-snapshot';
import type { PlacementSection } from '@etcd-compute/testing/placement-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { PROGRAM } from './program.js';

/** Who is who to etcd, as docs/etcd-access.md tells a person to set it up; without users, etcd asks nobody. */
export interface EtcdUsers {
  /** What the `etcd` section of a config says of it. */
  readonly sectionOf: (user: string) => Readonly<Record<string, unknown>>;
  /** For `etcdctl`. */
  readonly root: EtcdCredentials | undefined;
}

export const NO_USERS: EtcdUsers = { sectionOf: () => ({}), root: undefined };

export const userOfHost = (host: ProviderUuid): string => `ecompute-${host}`;

/** Makes the users and turns authentication on. */
export const makeEtcdUsers = async (
  { members, endpoints }: EtcdCluster,
  { dir, placement, hosts }: { dir: string; placement: PlacementSection; hosts: readonly ProviderUuid[] },
): Promise<EtcdUsers> => {
  const config = join(dir, 'before-users.yaml');
  await writeFile(config, JSON.stringify({ etcd: { hosts: members.map(({ endpoint }) => endpoint) }, placement }));
  const folder = join(dir, 'etcd-passwords');
  const named = hosts.flatMap((host) => ['--host', host]);
  await runCommand([process.execPath, PROGRAM, 'etcd-roles', '--passwords', folder, ...named, '--config', config]);
  await runCommand(['etcdctl', '--endpoints', endpoints, 'auth', 'enable'], {
    env: { ...process.env, ETCDCTL_API: '3' },
  });
  const password = (await readFile(join(folder, 'root'), 'utf8')).trim();
  return {
    sectionOf: (user) => ({ user, password_file: join(folder, user) }),
    root: { user: 'root', password },
  };
};
