import { z } from 'zod';
import { imageChecksumSchema } from '../../image-checksum.js';
import { UNBUILT, type ActionKind } from '../kind.js';

const args = z.object({
  /** A URL. Missing: the image that it was made from, as its URL gives it now. */
  image: z.string().optional(),
  /** Of the image. Without both, the one that was given before counts. */
  image_checksum: imageChecksumSchema.optional(),
});

/** A new disk in place of the old one; the rest of the instance stays as it is. */
export const rebuild = {
  type: 'action',
  participle: 'rebuilt',
  args,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  edit: ({ image_checksum: before, ...request }, given) => {
    const { image, image_checksum = image === undefined ? before : undefined } = args.parse(given);
    return { ...request, image: image ?? request.image, ...(image_checksum !== undefined && { image_checksum }) };
  },
} as const satisfies ActionKind;
