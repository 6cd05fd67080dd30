import { rm } from 'node:fs/promises';
import type { EtcdServer } from './etcd-server.js';
import { runCommand } from './run-command.js';

/** Backups of etcd, as its operators make and restore them. */

const etcdctl = async (...args: readonly string[]): Promise<void> => {
  await runCommand(['etcdctl', ...args], { env: { ...process.env, ETCDCTL_API: '3' } });
};

/** @param path of the file to be written. */
export const saveSnapshot = async (member: EtcdServer, path: string): Promise<void> => {
  await etcdctl('--endpoints', `${member.host}:${member.port}`, 'snapshot', 'save', path);
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
