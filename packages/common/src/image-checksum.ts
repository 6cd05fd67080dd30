import { z } from 'zod';

export type ChecksumAlgorithm = 'sha256' | 'sha512';

/** A digest of an image's file, or the URL of the list that has it, such as a `SHA256SUMS`. */
export type ImageChecksum =
  | { readonly kind: 'digest'; readonly algorithm: ChecksumAlgorithm; readonly digits: string }
  | { readonly kind: 'list'; readonly url: string };

const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

const findListUrl = (text: string): string | undefined => {
  if (text.length > 2048 || !URL.canParse(text)) return undefined;
  const { protocol, hostname, username, password, href } = new URL(text);
  const isPlainHttp = /^https?:$/.test(protocol) && hostname !== '' && username === '' && password === '';
  return isPlainHttp ? href : undefined;
};

/** Of an image's file as its server has it, compressed or not, as `SHA256SUMS` files list it. */
export const imageChecksumSchema = z.string().transform((text, { issues }) => {
  const digest = text.toLowerCase();
  const usable = DIGEST.test(digest) ? digest : findListUrl(text);
  if (usable !== undefined) return usable;
  issues.push({
    code: 'custom',
    input: text,
    message:
      'expected sha256: and 64 hexadecimal digits, sha512: and 128, or the http(s) URL of a list of checksums such as SHA256SUMS',
  });
  return z.NEVER;
});

/** @param checksum what `imageChecksumSchema` has let through. */
export const parseImageChecksum = (checksum: string): ImageChecksum => {
  const [algorithm, digits = ''] = checksum.split(':');
  if (algorithm === 'sha256' || algorithm === 'sha512') return { kind: 'digest', algorithm, digits };
  return { kind: 'list', url: checksum };
};
