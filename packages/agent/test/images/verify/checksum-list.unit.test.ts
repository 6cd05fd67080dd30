import { findInChecksumList } from '@etcd-compute/agent/images/verify/checksum-list';
import { describe, expect, test } from 'vitest';

const A256 = 'a'.repeat(64);
const B256 = 'b'.repeat(64);
const A512 = 'c'.repeat(128);
const url = 'https://mirror.example/images/debian.qcow2?from=x';
const listUrl = 'https://mirror.example/images/SHA256SUMS';

const find = (text: string, imageUrl = url) => findInChecksumList(text, { url: imageUrl, listUrl });
const sha256 = { algorithm: 'sha256', digits: A256, listUrl };
const sha512 = { algorithm: 'sha512', digits: A512, listUrl };

describe('finds the image in', () => {
  const signed = `-----BEGIN PGP SIGNED MESSAGE-----
Hash: SHA256

# debian.qcow2: 344064000 bytes
SHA256 (debian.qcow2) = ${A256}
-----BEGIN PGP SIGNATURE-----
iQIzBAEBCAAdFiEE
-----END PGP SIGNATURE-----
`;
  test.each([
    ['coreutils’ text form', `${B256}  other.qcow2\n${A256}  debian.qcow2\n`, sha256],
    ['coreutils’ binary form', `${A256} *debian.qcow2\n`, sha256],
    ['a list of paths', `${A256}  ./bookworm/debian.qcow2\n`, sha256],
    ['lines that end as on Windows', `${A256}  debian.qcow2\r\n${B256}  x\r\n`, sha256],
    ['capital digits', `${A256.toUpperCase()}  debian.qcow2\n`, sha256],
    ['SHA512SUMS', `${A512}  debian.qcow2\n`, sha512],
    ['both: the shorter is enough', `${A512}  debian.qcow2\n${A256}  debian.qcow2\n`, sha256],
    ['BSD’s form', `SHA256 (debian.qcow2) = ${A256}\nSHA256 (other) = ${B256}\n`, sha256],
    ['BSD’s form of SHA-512', `SHA512 (debian.qcow2) = ${A512}\n`, sha512],
    ['openssl’s form', `SHA2-256(debian.qcow2)= ${A256}\n`, sha256],
    ['a signed list', signed, sha256],
    ['a file of one digest', `${A256}\n`, sha256],
    ['a file of one digest, of standard input', `${A512}  -\n`, sha512],
    ['a list that says it twice', `${A256}  debian.qcow2\n${A256}  copy/debian.qcow2\n`, sha256],
  ])('%s', (...[, text, wanted]) => {
    expect(find(text)).toEqual(wanted);
  });

  test('a list whose name the URL spells otherwise', () => {
    expect(find(`${A256}  a b.img\n`, 'https://x/a%20b.img')).toEqual(sha256);
    expect(find(`${A256}  100%.img\n`, 'https://x/100%.img')).toEqual(sha256);
  });
});

describe('says what it looked for, and where, when there is', () => {
  test.each([
    ['no line of that name', `${A256}  other.qcow2\n`, 'it has no line of that name; it lists other.qcow2'],
    ['only a longer name', `${A256}  not-debian.qcow2\n`, 'it lists not-debian.qcow2'],
    ['one digest of another file', `${A256}  debian.raw\n`, 'it lists debian.raw'],
    [
      'two that differ',
      `${A256}  a/debian.qcow2\n${B256}  b/debian.qcow2\n`,
      'it has 2 lines of that name, which differ',
    ],
    ['digests without names', `${A256}\n${B256}\n`, 'it lists digests without names'],
    ['a web page', '<!doctype html><p>please log in</p>', 'it lists no SHA-256 and no SHA-512'],
    ['MD5 only', `${'d'.repeat(32)}  debian.qcow2\n`, 'it lists no SHA-256 and no SHA-512'],
    ['a digest shorter than its name says', `SHA512 (debian.qcow2) = ${A256}\n`, 'it lists no SHA-256'],
    ['nothing', '', 'it lists no SHA-256 and no SHA-512'],
    [
      'much else',
      Array.from({ length: 7 }, (_none, index) => `${A256}  image-${index}`).join('\n'),
      'it lists image-0, image-1, image-2, image-3, image-4, and 2 more',
    ],
    ['an escape', `${A256}  \u001b[31mred\n`, 'it lists ?[31mred'],
  ])('%s', (...[, text, reason]) => {
    expect(() => find(text)).toThrow(
      expect.objectContaining({
        code: 'ECOMPUTE_IMAGE_CHECKSUM_MISSING',
        message: expect.stringContaining(
          `could not find the checksum of "debian.qcow2", for the image ${url}, in ${listUrl}: `,
        ),
        retryable: false,
        hint: expect.stringMatching(/\w/),
      }),
    );
    expect(() => find(text)).toThrow(reason);
  });
});
