import { z } from 'zod';

/** The SHA-256 of an image's file as its server has it, compressed or not, as `SHA256SUMS` files list it. */
export const imageChecksumSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/i, 'expected sha256: and 64 hexadecimal digits')
  .transform((text) => text.toLowerCase());

/** The digits alone. */
export const checksumDigits = (checksum: string): string => checksum.slice('sha256:'.length);
