import { randomBytes } from 'node:crypto';
import { access, chown, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { eapiProgram, startEapi } from '@etcd-compute/testing/eapi';
import { runCommand } from '@etcd-compute/testing/run-command';
import { quote, typedPath } from './eschedule.js';
import type { Folders } from './folders.js';
import { placementSection, type DemoRecord } from './record.js';
import { ensureServer, serverFiles, type EnsureServer } from './servers.js';

/** What the cloud is called in `clouds.yaml`. */
const CLOUD = 'demo';

const cloudsPath = ({ dir }: Folders): string => join(dir, 'clouds.yaml');

/** `eapi`, with a user, and a `clouds.yaml` by which OpenStack's tools find it. */
export const ensureApi = async ({
  folders,
  record,
  stage,
}: Pick<EnsureServer, 'folders' | 'stage'> & { readonly record: DemoRecord }): Promise<void> => {
  const { eapi: port, etcd } = record.ports;
  const stateFile = serverFiles(folders).eapi;
  const dir = dirname(stateFile);
  const isRunning = await ensureServer({ stateFile, port, stage }, async () => {
    // Its guests are here, so nobody else is to fetch images.
    const images = { folder: join(dir, 'images'), listen: '127.0.0.1', advertise: ['127.0.0.1'] };
    const config = { placement: placementSection(record), images };
    await startEapi({ dir, port, etcd: { host: '127.0.0.1', port: etcd }, config, detached: true });
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
export const typedOpenstack = (folders: Folders, command: string): string =>
  `OS_CLIENT_CONFIG_FILE=${quote(typedPath(folders, cloudsPath(folders)))} openstack --os-cloud ${CLOUD} ${command}`;
