import { createHash, X509Certificate } from 'node:crypto';
import { checkKey } from '@etcd-compute/common/ssh-keys';
import { badRequest } from '../../http/http-error.js';
import { createCertificate } from './create-certificate.js';
import { createSshKey, type CreatedKey } from './create-ssh-key.js';

/** Keys of ssh, and certificates for Windows. */
export type KeyType = 'ssh' | 'x509';

interface NewKey {
  readonly name: string;
  readonly user: string;
  /** In milliseconds since 1970. */
  readonly now: number;
}

interface TypeOfKey {
  readonly create: (key: NewKey) => Promise<CreatedKey>;
  /** @returns it as it is kept. @throws HttpError 400. */
  readonly read: (publicKey: string) => string;
  /** @param publicKey as it is kept. */
  readonly fingerprint: (publicKey: string) => string;
}

const MAX_LENGTH = 16_384;

const refuse = (problem: string): Error => badRequest(`Keypair data is invalid: ${problem}`);

export const KEY_TYPES: Readonly<Record<KeyType, TypeOfKey>> = {
  ssh: {
    create: async ({ name }) => createSshKey(name.replaceAll(' ', '_')),
    read: (text) => {
      const checked = checkKey(text);
      if ('problem' in checked) throw refuse(checked.problem);
      return checked.key;
    },
    // As `ssh-keygen -l -E md5` shows it.
    fingerprint: (line) => {
      const [, base64 = ''] = line.split(/ +/);
      const digest = createHash('md5').update(Buffer.from(base64, 'base64')).digest('hex');
      return digest.match(/../g)?.join(':') ?? '';
    },
  },
  x509: {
    create: async ({ user, now }) => createCertificate(user, now),
    read: (text) => {
      if (text.length > MAX_LENGTH) throw refuse(`it is longer than ${MAX_LENGTH} characters`);
      return readCertificate(text).toString();
    },
    // As `openssl x509 -fingerprint -sha1` shows it, in small letters.
    fingerprint: (pem) => readCertificate(pem).fingerprint.toLowerCase(),
  },
};

const readCertificate = (pem: string): X509Certificate => {
  try {
    return new X509Certificate(pem);
  } catch {
    throw refuse('it is no certificate');
  }
};
