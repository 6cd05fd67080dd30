import { createHash } from 'node:crypto';
import { toTime } from './times.js';
import { keypairId, type Keypair } from './state/entities.js';

/** The version from which keypairs have types. */
export const TYPES = 2;

/** As lists show it. */
export const renderKeypair = (
  { name, public_key, fingerprint, type }: Keypair,
  minor: number,
): Record<string, unknown> => ({
  name,
  public_key,
  fingerprint,
  ...(minor >= TYPES && { type }),
});

/** As it is shown once, with the half that is not kept. */
export const renderNewKeypair = (
  keypair: Keypair,
  { minor, privateKey }: { readonly minor: number; readonly privateKey: string | undefined },
): Record<string, unknown> => ({
  ...renderKeypair(keypair, minor),
  user_id: keypair.user,
  ...(privateKey !== undefined && { private_key: privateKey }),
});

export const renderKeypairInDetail = (keypair: Keypair, minor: number): Record<string, unknown> => ({
  ...renderKeypair(keypair, minor),
  user_id: keypair.user,
  created_at: toTime(keypair.created_at),
  updated_at: null,
  deleted: false,
  deleted_at: null,
  id: numberOf(keypair),
});

/** Clients expect a number. Nothing is found by it. */
const numberOf = (keypair: Keypair): number =>
  createHash('sha256').update(keypairId(keypair)).digest().readUInt32BE() >>> 1;
