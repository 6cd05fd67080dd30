import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';

/** As `ssh-keygen` makes them. */
const BITS = 3072;

export interface CreatedKey {
  /** A line as in an authorized_keys file, or a certificate. */
  readonly publicKey: string;
  /** PEM. */
  readonly privateKey: string;
}

export const createSshKey = async (comment: string): Promise<CreatedKey> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
  const { e = '', n = '' } = publicKey.export({ format: 'jwk' });
  const fields = [Buffer.from('ssh-rsa'), toInteger(e), toInteger(n)];
  const blob = Buffer.concat(fields.map(withLength));
  return {
    publicKey: `ssh-rsa ${blob.toString('base64')} ${comment}`,
    privateKey: privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
  };
};

/** RFC 4251, section 5: a number whose first bit is set has a zero before it. */
const toInteger = (base64url: string): Buffer => {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
};

const withLength = (bytes: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
