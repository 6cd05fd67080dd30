import { createHash, timingSafeEqual } from 'node:crypto';
import { loadConfig } from '@etcd-compute/common/config/load';
import { z } from 'zod';
import type { Authenticate, Caller } from '../http/caller.js';

/** The file of `tokens_file`. */

const name = z.string().regex(/^[^\s,]{1,255}$/, 'expected 1 to 255 characters without spaces and commas');

const tokenSchema = z
  .strictObject({
    token: z.string().min(16, 'expected at least 16 characters: `openssl rand -hex 32` makes one').optional(),
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits: `printf %s TOKEN | sha256sum` prints them')
      .optional(),
    user: name,
    project: name.optional(),
    roles: z.array(name).default([]),
    system: z.literal('all').optional(),
  })
  .refine(({ token, sha256 }) => (token === undefined) !== (sha256 === undefined), {
    message: 'expected either token or sha256',
  })
  .refine(({ project, system }) => project === undefined || system === undefined, {
    message: 'a token is for a project or for the whole system, not for both',
  });

const tokensSchema = z.strictObject({ tokens: z.array(tokenSchema).min(1) });

/** Whom a token lets in. Of the token itself only the hash is kept. */
interface Entry {
  readonly hash: Buffer;
  readonly caller: Caller;
}

/** @throws EcomputeError ECOMPUTE_CONFIG_UNREADABLE, ECOMPUTE_CONFIG_INVALID. */
export const readTokens = async (path: string): Promise<Authenticate> => {
  const { tokens } = await loadConfig({
    schema: tokensSchema,
    file: { path, isRequired: true },
    envPrefix: '',
    env: {},
  });
  const entries = tokens.map(({ token, sha256, user, project, roles, system }): Entry => ({
    hash: token === undefined ? Buffer.from(sha256 ?? '', 'hex') : hashOf(token),
    caller: { userId: user, projectId: project, roles, systemScope: system },
  }));
  return (headers) => {
    const token = headers['x-auth-token'];
    return typeof token === 'string' ? findCaller(entries, hashOf(token)) : undefined;
  };
};

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest();

/** All are compared, each in the same time whatever is in it: how long it takes says nothing of a token. */
const findCaller = (entries: readonly Entry[], hash: Buffer): Caller | undefined => {
  let found: Caller | undefined;
  for (const entry of entries) if (timingSafeEqual(entry.hash, hash)) found = entry.caller;
  return found;
};
