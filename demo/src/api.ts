import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { eapiProgram, startEapi } from '@etcd-compute/testing/eapi';
import { runCommand } from '@etcd-compute/testing/run-command';
import { quote } from './eschedule.js';
import type { Folders } from './folders.js';
import { ensureServer, serverFiles, type EnsureServer } from './servers.js';

/** What the cloud is called in `clouds.yaml`. */
const CLOUD = 'demo';

const cloudsPath = ({ dir }: Folders): string => join(dir, 'clouds.yaml');

/** `eapi`, with a user, and a `clouds.yaml` by which OpenStack's tools find it. */
export const ensureApi = async ({
  folders,
  port,
  etcdPort,
  stage,
}: EnsureServer & { readonly etcdPort: number }): Promise<void> => {
  const stateFile = serverFiles(folders).eapi;
  const dir = dirname(stateFile);
  const isRunning = await ensureServer({ stateFile, port, stage }, async () => {
    await startEapi({ dir, port, etcd: { host: '127.0.0.1', port: etcdPort }, detached: true });
  });
  const isKnown = await access(cloudsPath(folders)).then(
    () => true,
    () => false,
  );
  if (isRunning && isKnown) return;
  await mkdir(dir, { recursive: true });
  const passwordFile = join(dir, 'password');
  await writeFile(passwordFile, randomBytes(16).toString('hex'), { mode: 0o600 });
  const files = ['--config', join(dir, 'eapi.yaml'), '--clouds', cloudsPath(folders), '--password-file', passwordFile];
  await runCommand([process.execPath, eapiProgram, 'bootstrap', ...files, '--cloud', CLOUD]);
  // Whoever has asked sudo for the demo is to use it.
  const { SUDO_UID: uid, SUDO_GID: gid } = process.env;
  if (uid !== undefined && gid !== undefined) await chown(cloudsPath(folders), Number(uid), Number(gid));
};

/** A command of `openstack` as a person in the clone types it. */
export const typedOpenstack = (folders: Folders, command: string): string => {
  const path = relative(folders.root, cloudsPath(folders));
  const file = path.startsWith('..') ? cloudsPath(folders) : path;
  return `OS_CLIENT_CONFIG_FILE=${quote(file)} openstack --os-cloud ${CLOUD} ${command}`;
};
