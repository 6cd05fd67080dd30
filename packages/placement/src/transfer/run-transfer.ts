import { placementSection, type EtcdSection } from '@etcd-compute/common/config/sections';
import { EcomputeError } from '@etcd-compute/common/errors';
import { createKeys } from '@etcd-compute/common/etcd/keys';
import { openStore } from '@etcd-compute/common/etcd/store';
import { openPlacement } from '@etcd-compute/common/placement/client';
import { exportCloud } from './export.js';
import { importCloud, type TransferResult } from './import.js';
import { showProgress } from './progress.js';

export interface TransferArguments {
  readonly direction: 'import' | 'export';
  /** Of the other Placement. */
  readonly url: string;
  readonly token: string | undefined;
  /** Files. */
  readonly tokenFile: string | undefined;
  readonly caCert: string | undefined;
  /** Requests to it at a time. */
  readonly parallel: number;
}

const MAX_PARALLEL = 64;
/** An answer may take long where a service has much to tell. */
const TIMEOUT_SECONDS = 120;

/** `eplacement import` and `eplacement export`. @returns what has become of it. @throws EcomputeError. */
export const runTransfer = async (
  { direction, url, token, tokenFile, caCert, parallel }: TransferArguments,
  etcd: EtcdSection,
): Promise<TransferResult> => {
  if (!Number.isInteger(parallel) || parallel < 1 || parallel > MAX_PARALLEL)
    throw new EcomputeError(
      'ECOMPUTE_CONFIG_INVALID',
      `--parallel is ${parallel}; expected a whole number from 1 to ${MAX_PARALLEL}`,
    );
  const section = placementSection.safeParse({
    endpoint: url,
    timeout: TIMEOUT_SECONDS,
    ...(token !== undefined && { token }),
    ...(tokenFile !== undefined && { token_file: tokenFile }),
    ...(caCert !== undefined && { ca_cert: caCert }),
  });
  if (!section.success)
    throw new EcomputeError('ECOMPUTE_CONFIG_INVALID', `could not use ${url}: ${section.error.issues[0]?.message}`);
  const client = await openPlacement(section.data);
  const onProgress = showProgress();
  try {
    await using store = await openStore(etcd);
    const transfer = direction === 'import' ? importCloud : exportCloud;
    return await transfer({ client, store, prefix: createKeys(etcd.prefix).placement, parallel, onProgress });
  } catch (err) {
    throw withOwnHint(err, direction);
  } finally {
    onProgress.end();
    client.close();
  }
};

const HINTS: Readonly<Record<string, (option: string) => string>> = {
  ECOMPUTE_PLACEMENT_UNREACHABLE: (option) => `check that Placement runs there, and ${option}; then run it again`,
  ECOMPUTE_PLACEMENT_BAD_REPLY: (option) => `check ${option}, with its path`,
  ECOMPUTE_PLACEMENT_NOT_FOUND: (option) => `check ${option}, with its path`,
  ECOMPUTE_PLACEMENT_UNAUTHORIZED: () => 'check --token-file: its owner must be an administrator there',
};

/** The hints of the client name keys of a config. */
const withOwnHint = (err: unknown, direction: TransferArguments['direction']): unknown => {
  const hint = err instanceof EcomputeError ? HINTS[err.code] : undefined;
  if (!(err instanceof EcomputeError) || !hint) return err;
  const { code, message, details, retryable, cause } = err;
  const option = direction === 'import' ? '--from' : '--to';
  return new EcomputeError(code, message, { details, retryable, cause, hint: hint(option) });
};

/** Differences that are printed one by one. */
const SHOWN = 100;

/** What a person is told, in lines. */
export const renderResult = ({ providers, consumers, differences }: TransferResult): readonly string[] => {
  const moved = `${providers} resource providers and ${consumers} consumers`;
  if (differences.length === 0) return [`${moved} are on both sides, and nothing differs`];
  return [
    ...differences.slice(0, SHOWN),
    ...(differences.length > SHOWN ? [`and ${differences.length - SHOWN} more`] : []),
    `${moved} were moved, and ${differences.length} things differ: stop what writes on either side, and run it again`,
  ];
};
