import { createHash, randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import pLimit from 'p-limit';
import { HttpError } from '../../http/http-error.js';

/*
 * What is kept of a secret is `scrypt$N$R$P$SALT$KEY`, or `sha256$KEY` for secrets of 256 random bits that were made here, of which nobody
 * can guess one. The costs are one of the settings that OWASP's cheat sheet on password storage names: 16 MiB and some 0.2 s.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt
 */

const COSTS = { N: 2 ** 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** Each needs memory, and one of libuv's four threads. */
const AT_ONCE = 2;
/** Who comes when so many wait would wait for seconds. */
const MAX_WAITING = 50;
const limit = pLimit(AT_ONCE);

export const hashPassword = async (password: string): Promise<string> => {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt, COSTS);
  return ['scrypt', COSTS.N, COSTS.r, COSTS.p, salt.toString('base64'), key.toString('base64')].join('$');
};

/** For secrets that `createSecret` has made. */
export const hashSecret = (secret: string): string => `sha256$${sha256(secret).toString('base64')}`;

/** 43 letters. One that begins with `-` would be an option to command lines. */
export const createSecret = (): string => {
  const secret = randomBytes(32).toString('base64url');
  return secret.startsWith('-') ? createSecret() : secret;
};

/** For keys of etcd. */
export const hashToken = (token: string): string => sha256(token).toString('hex');

/**
 * @param hash undefined when there is nobody with a password: it takes the same time then.
 * @throws HttpError 503 when too many ask at once.
 */
export const isPassword = async (password: string, hash: string | undefined): Promise<boolean> => {
  const [scheme, ...parts] = (hash ?? NOBODYS).split('$');
  if (scheme === 'sha256') {
    // A wrong one takes as long as when there is nobody.
    return isSame(sha256(password), Buffer.from(parts[0] ?? '', 'base64')) || isPassword(password, undefined);
  }
  const [N, r, p, salt = '', key = ''] = parts;
  const derived = await derive(password, Buffer.from(salt, 'base64'), { N: Number(N), r: Number(r), p: Number(p) });
  return isSame(derived, Buffer.from(key, 'base64')) && hash !== undefined;
};

/** No password makes it. */
const NOBODYS = [
  'scrypt',
  COSTS.N,
  COSTS.r,
  COSTS.p,
  randomBytes(SALT_BYTES).toString('base64'),
  randomBytes(KEY_BYTES).toString('base64'),
].join('$');

const derive = async (password: string, salt: Buffer, costs: ScryptOptions): Promise<Buffer> => {
  if (limit.pendingCount >= MAX_WAITING)
    throw new HttpError(503, 'Too many log in at the moment: try again later.', { headers: { 'retry-after': '5' } });
  return limit(
    async () =>
      new Promise<Buffer>((resolve, reject) => {
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { ...costs, maxmem: 64 * 1024 * 1024 }, (err, key) =>
          err ? reject(err) : resolve(key),
        );
      }),
  );
};

const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

const isSame = (a: Buffer, b: Buffer): boolean => a.length === b.length && timingSafeEqual(a, b);
