import { readSecretFile } from '@etcd-compute/common/config/load';
import { EcomputeError } from '@etcd-compute/common/errors';
import { openStore } from '@etcd-compute/common/etcd/store';
import type { Logger } from '@etcd-compute/common/log';
import { IDENTITY_PATH } from '../identity/identity-service.js';
import { createSecret, hashPassword } from '../identity/passwords/hash.js';
import { publicUrlOf, type ApiConfig } from '../server/config.js';
import { openComputeStateOf } from '../server/open-compute.js';
import { openStateOf } from '../server/open-identity.js';
import { writeCloud } from './clouds-yaml.js';
import { planFlavors } from './plan-flavors.js';
import { planBootstrap } from './plan-bootstrap.js';

export interface BootstrapOptions {
  readonly config: ApiConfig;
  readonly log: Logger;
  /** Holds the password, which is the admin's from then on. Without it, a password is made for an admin who has none. */
  readonly passwordFile: string | undefined;
  readonly cloudsFile: string;
  readonly cloudName: string;
}

export interface BootstrapOutcome {
  /** That was made here, and is in `cloudsFile` too. */
  readonly madePassword: string | undefined;
  readonly hasWrittenClouds: boolean;
}

/** Makes the first domain, project, roles, admin and flavors. May be repeated: what is there stays. */
export const bootstrap = async ({
  config,
  log,
  passwordFile,
  cloudsFile,
  cloudName,
}: BootstrapOptions): Promise<BootstrapOutcome> => {
  const given = passwordFile === undefined ? undefined : await readSecretFile(passwordFile, '--password-file');
  if (given === '')
    throw new EcomputeError('ECOMPUTE_CONFIG_INVALID', `could not take the password in ${passwordFile}: it is empty`);
  const password = given ?? createSecret();
  const hash = await hashPassword(password);
  await using etcd = await openStore(config.etcd);
  await using store = await openStateOf({ config, etcd, log });
  await using compute = await openComputeStateOf({ config, etcd, log });
  await compute.write(planFlavors);
  const { isPasswordSet } = await store.write((draft) => planBootstrap(draft, { hash, isForced: given !== undefined }));
  if (!isPasswordSet) return { madePassword: undefined, hasWrittenClouds: false };
  await writeCloud(cloudsFile, {
    name: cloudName,
    authUrl: `${publicUrlOf(config)}${IDENTITY_PATH}/v3`,
    region: config.region,
    password,
  });
  return { madePassword: given === undefined ? password : undefined, hasWrittenClouds: true };
};
