import { generateKeyPair, randomBytes, sign } from 'node:crypto';
import { promisify } from 'node:util';
import { bitString, integer, nothing, octetString, oid, sequence, setOf, tagged, time, utf8 } from './der.js';
import type { CreatedKey } from './create-ssh-key.js';

const BITS = 2048;
const YEARS = 10;
const SERIAL_BYTES = 16;

const OID = {
  commonName: '2.5.4.3',
  subjectAltName: '2.5.29.17',
  extendedKeyUsage: '2.5.29.37',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  userPrincipalName: '1.3.6.1.4.1.311.20.2.3',
};

/**
 * A certificate that signs itself, by which somebody logs in to Windows (WinRM). It is laid out as RFC 5280 says.
 *
 * @param now in milliseconds since 1970.
 */
export const createCertificate = async (user: string, now: number): Promise<CreatedKey> => {
  const { publicKey, privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: BITS });
  const algorithm = sequence(oid(OID.sha256WithRsa), nothing());
  const name = sequence(setOf(sequence(oid(OID.commonName), utf8(user))));
  const end = new Date(now);
  end.setUTCFullYear(end.getUTCFullYear() + YEARS);
  // Its first bit is not set, and it is not zero.
  const serial = Buffer.concat([Buffer.of(1), randomBytes(SERIAL_BYTES)]);
  const signed = sequence(
    tagged(0, integer(Buffer.of(2))),
    integer(serial),
    algorithm,
    name,
    sequence(time(new Date(now)), time(end)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, sequence(...extensionsOf(user))),
  );
  const certificate = sequence(signed, algorithm, bitString(sign('sha256', signed, privateKey)));
  return {
    publicKey: toPem(certificate),
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};

const extensionsOf = (user: string): readonly Buffer[] => [
  sequence(oid(OID.extendedKeyUsage), octetString(sequence(oid(OID.clientAuth)))),
  sequence(
    oid(OID.subjectAltName),
    octetString(sequence(tagged(0, Buffer.concat([oid(OID.userPrincipalName), tagged(0, utf8(`${user}@localhost`))])))),
  ),
];

const toPem = (der: Buffer): string => {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
};
