import { rm } from 'node:fs/promises';
import type { EtcdServer } from './etcd-server.js';
import { runCommand } from './run-command.js';

/** What operators of etcd do to all of its data. */

const etcdctl = async (...args: readonly string[]): Promise<void> => {
  await runCommand(['etcdctl', ...args], { env: { ...process.env, ETCDCTL_API: '3' } });
};

/** A user of etcd that may do all. */
export interface EtcdCredentials {
  readonly user: string;
  readonly password: string;
}

const userArgs = (root: EtcdCredentials | undefined): readonly string[] =>
  root ? [`--user=${root.user}:${root.password}`] : [];

/** @param path of the file to be written. @param root where etcd asks who somebody is. */
export const saveSnapshot = async (member: EtcdServer, path: string, root?: EtcdCredentials): Promise<void> => {
  await etcdctl('--endpoints', `${member.host}:${member.port}`, ...userArgs(root), 'snapshot', 'save', path);
};

/** Deletes all keys. Users and roles stay. */
export const deleteAllKeys = async (endpoints: string, root?: EtcdCredentials): Promise<void> => {
  await etcdctl('--endpoints', endpoints, ...userArgs(root), 'del', '', '--prefix');
};

/** Replaces the data of all members by the snapshot, and starts them again at the same addresses. */
export const restoreSnapshot = async (members: readonly EtcdServer[], path: string): Promise<void> => {
  await Promise.all(members.map(async (member) => member.kill('SIGKILL')));
  for (const member of members) {
    await rm(member.dataDir, { recursive: true });
    await etcdctl('snapshot', 'restore', path, '--data-dir', member.dataDir, ...member.restoreArgs);
  }
  await Promise.all(members.map(async (member) => member.restart()));
};
