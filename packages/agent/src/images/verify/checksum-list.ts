import { EcomputeError } from '@etcd-compute/common/errors';
import type { ChecksumAlgorithm } from '@etcd-compute/common/image-checksum';
import type { WantedDigest } from './checksum.js';

/*
 * Lists of checksums, as mirrors have them beside their images: `SHA256SUMS` and `SHA512SUMS` as coreutils write them, with or
 * without a signature around them, BSD's form (Fedora's `CHECKSUM`), and files of one digest alone (`image.qcow2.sha256`).
 */

interface Line {
  readonly algorithm: ChecksumAlgorithm;
  readonly digits: string;
  /** Without folders; null when the line has none, or `-`. */
  readonly name: string | null;
}

/** `<hex>  name`, `<hex> *name`, `<hex>`. A line that begins with a backslash has an escaped name, which no URL here has. */
const GNU = /^([0-9a-f]{64}|[0-9a-f]{128})(?: [ *](.+))?$/i;
/** `SHA256 (name) = <hex>`, and `SHA2-256(name)= <hex>` of openssl. */
const BSD = /^SHA(?:2-)?(256|512) ?\((.+)\) ?= ([0-9a-f]{64}|[0-9a-f]{128})$/i;

const DIGITS: Readonly<Record<ChecksumAlgorithm, number>> = { sha256: 64, sha512: 128 };

const toLine = (digits: string, path: string | undefined): Line => {
  const name = path?.split('/').at(-1) ?? '';
  return {
    algorithm: digits.length === DIGITS.sha256 ? 'sha256' : 'sha512',
    digits: digits.toLowerCase(),
    name: name === '' || name === '-' ? null : name,
  };
};

/** Whatever is no line of a list (comments, signatures, other algorithms) is passed over. */
const parseLine = (text: string): Line[] => {
  const [, gnuDigits, gnuPath] = GNU.exec(text) ?? [];
  if (gnuDigits !== undefined) return [toLine(gnuDigits, gnuPath)];
  const [, bits, bsdPath, bsdDigits = ''] = BSD.exec(text) ?? [];
  // Of a digest that is not as long as its name says, neither is to be believed.
  return bits !== undefined && bsdDigits.length * 4 === Number(bits) ? [toLine(bsdDigits, bsdPath)] : [];
};

/** The last part of a URL's path. */
const nameIn = (url: string): string => {
  const segment = new URL(url).pathname.split('/').at(-1) ?? '';
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

export interface FindOptions {
  /** Of the image. */
  readonly url: string;
  readonly listUrl: string;
}

/** @returns what the list says of the image, whose name is the last part of its URL. @throws ECOMPUTE_IMAGE_CHECKSUM_MISSING */
export const findInChecksumList = (text: string, { url, listUrl }: FindOptions): WantedDigest => {
  const lines = text.split(/\r?\n/).flatMap((line) => parseLine(line.trim()));
  const name = nameIn(url);
  const [only] = lines;
  const named = lines.filter((line) => line.name === name);
  const found = lines.length === 1 && only?.name === null ? lines : named;
  const missing = (reason: string, hint: string): EcomputeError =>
    new EcomputeError(
      'ECOMPUTE_IMAGE_CHECKSUM_MISSING',
      `could not find the checksum of ${JSON.stringify(name)}, for the image ${url}, in ${listUrl}: ${reason}`,
      { details: { name, listUrl }, hint },
    );
  // One of each algorithm is no contradiction, and the shorter is enough.
  const algorithm = found.some((line) => line.algorithm === 'sha256') ? 'sha256' : 'sha512';
  const digits = new Set(found.filter((line) => line.algorithm === algorithm).map((line) => line.digits));
  const [first] = digits;
  if (lines.length === 0)
    throw missing('it lists no SHA-256 and no SHA-512', 'give the URL of a list such as SHA256SUMS or SHA512SUMS');
  if (first === undefined)
    throw missing(`it has no line of that name; it lists ${describeNames(lines)}`, 'check the list with: curl -L');
  if (digits.size > 1)
    throw missing(
      `it has ${digits.size} lines of that name, which differ`,
      'give the checksum itself: --checksum sha256:...',
    );
  return { algorithm, digits: first, listUrl };
};

const MAX_NAMES = 5;

const describeNames = (lines: readonly Line[]): string => {
  const names = [...new Set(lines.flatMap(({ name }) => name ?? []))];
  if (names.length === 0) return 'digests without names';
  const shown = names.slice(0, MAX_NAMES).map((name) => name.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, '?'));
  return `${shown.join(', ')}${names.length > MAX_NAMES ? `, and ${names.length - MAX_NAMES} more` : ''}`;
};
