import { z } from 'zod';
import { imageChecksumSchema } from '../../image-checksum.js';
import { guestMembers } from '../../etcd/messages/guest-config.js';
import { snapshotSourceSchema } from '../../etcd/messages/snapshot.js';
import { UNBUILT, type ActionKind } from '../kind.js';

const args = z.object({
  /** A URL. Missing: the image that it was made from, as its URL gives it now. */
  image: z.string().optional(),
  /** Of the image. Without both, the one that was given before counts. */
  image_checksum: imageChecksumSchema.optional(),
  /** Where the image is, when it is a snapshot. */
  image_source: snapshotSourceSchema.optional(),
  /** What its guest may set as its administrator's password. */
  admin_pass: guestMembers.admin_pass,
});

/** A new disk in place of the old one; the rest of the instance stays as it is. */
export const rebuild = {
  type: 'action',
  participle: 'rebuilt',
  args,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'as-before',
  subject: null,
  edit: ({ image_checksum, image_source, ...request }, given) => {
    const { image, admin_pass, ...asked } = args.parse(given);
    // What is known of the old image says nothing of another.
    const before = image === undefined ? { image_checksum, image_source } : {};
    const { image_checksum: checksum = before.image_checksum, image_source: source = before.image_source } = asked;
    return {
      ...request,
      image: image ?? request.image,
      ...(checksum !== undefined && { image_checksum: checksum }),
      ...(source && { image_source: source }),
      ...(admin_pass !== undefined && { admin_pass }),
    };
  },
} as const satisfies ActionKind;
