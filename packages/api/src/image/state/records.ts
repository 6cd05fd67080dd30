import { instanceNameSchema, projectSchema, providerUuidSchema } from '@etcd-compute/common/ids';
import { z } from 'zod';
import type { Kinds, RecordsOf } from '../../state/kinds.js';
import type { View } from '../../state/view.js';

/**
 * What the image service keeps in etcd, one JSON value for each. Ids are of projects and users. Times are milliseconds since 1970.
 */

const VERSION = z.literal(1);

export const VISIBILITIES = ['private', 'shared', 'community', 'public'] as const;
export const visibilitySchema = z.enum(VISIBILITIES);
export type Visibility = z.output<typeof visibilitySchema>;

/**
 *   queued ──upload──────────────────────────────▶ active ◀──▶ deactivated
 *     │ └──stage──▶ uploading ──import──▶ importing ──▶ │
 *     └──import of a URL──────────────────────▶ ────────┘
 *     saving ──its host has taken the snapshot────────▶ active
 *
 * What fails goes back to `queued`. An upload changes nothing before it is whole, so one that is killed leaves nothing here.
 */
export const STATUSES = ['queued', 'saving', 'uploading', 'importing', 'active', 'deactivated'] as const;
const statusSchema = z.enum(STATUSES);
export type Status = z.output<typeof statusSchema>;

const blobSchema = z.looseObject({
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sha512: z.string().regex(/^[0-9a-f]{128}$/),
  md5: z.string().regex(/^[0-9a-f]{32}$/),
  size: z.int().nonnegative(),
  /** What a guest sees; null of what no guest boots from. */
  virtual_size: z.int().nonnegative().nullable(),
  /** Its name in S3. Without one it is a file. */
  object: z
    .string()
    .regex(/^[0-9a-f]{64}\.[0-9a-f.-]{1,100}$/)
    .optional(),
  /** Which image server had it first. */
  server: providerUuidSchema,
});
/** The content of an image. A file is named by its sha256, and other images may have the same. */
export type Blob = z.output<typeof blobSchema>;

const stagedSchema = blobSchema.omit({ virtual_size: true });
export type Staged = z.output<typeof stagedSchema>;

const image = z.looseObject({
  version: VERSION,
  id: z.string(),
  /** A project. */
  owner: z.string(),
  name: z.string().nullable(),
  status: statusSchema,
  visibility: visibilitySchema,
  protected: z.boolean(),
  hidden: z.boolean(),
  disk_format: z.string().nullable(),
  container_format: z.string().nullable(),
  min_disk: z.int().nonnegative(),
  min_ram: z.int().nonnegative(),
  tags: z.array(z.string()),
  properties: z.record(z.string(), z.string()),
  created_at: z.number(),
  updated_at: z.number(),
  blob: blobSchema.optional(),
  /** Uploaded, but not looked at: `import` does that. */
  staged: stagedSchema.optional(),
});

/** A project that an image is shared with. */
const member = z.looseObject({
  version: VERSION,
  image: z.string(),
  project: z.string(),
  status: z.enum(['pending', 'accepted', 'rejected']),
  created_at: z.number(),
  updated_at: z.number(),
});

/** An import. */
const task = z.looseObject({
  version: VERSION,
  id: z.string(),
  image: z.string(),
  owner: z.string(),
  user: z.string(),
  /** As it was asked for. */
  input: z.record(z.string(), z.unknown()),
  status: z.enum(['processing', 'success', 'failure']),
  /** Why it failed. */
  message: z.string(),
  /** Who does it. When that server is gone, it has failed. */
  server: providerUuidSchema,
  request_id: z.string().optional(),
  created_at: z.number(),
  updated_at: z.number(),
});

/** A snapshot that a host takes for an image, until the host has forgotten it again. */
const snapshot = z.looseObject({
  version: VERSION,
  image: z.string(),
  /** By these, agents know it. */
  project: projectSchema,
  name: instanceNameSchema,
  /** Who looks after it. When that server is gone, another one does. */
  server: providerUuidSchema,
  created_at: z.number(),
});

const SCHEMAS = { image, member, task, snapshot };

export type ImageRecords = RecordsOf<typeof SCHEMAS>;
export type Image = ImageRecords['image'];
export type Member = ImageRecords['member'];
export type Task = ImageRecords['task'];
export type SnapshotOrder = ImageRecords['snapshot'];

export const memberId = (image: string, project: string): string => `${image}/${project}`;

/** All contents of images that have this sha256. */
export const contentsOf = (view: View<ImageRecords>, sha256: string): readonly Staged[] =>
  view
    .related('image', digestRelation(sha256))
    .flatMap(({ blob, staged }) => [blob, staged].filter((content) => content !== undefined))
    .filter((content) => content.sha256 === sha256);

/** Of images that have a content, by its sha256. */
export const digestRelation = (sha256: string): string => `digests/${sha256}`;
/** Of members and tasks. */
export const imageRelation = (image: string): string => `images/${image}`;

export const KINDS: Kinds<ImageRecords> = {
  image: {
    schema: image,
    idOf: ({ id }) => id,
    relationsOf: ({ blob, staged }) =>
      [blob, staged].flatMap((content) => (content ? [digestRelation(content.sha256)] : [])),
  },
  member: {
    schema: member,
    idOf: ({ image: id, project }) => memberId(id, project),
    relationsOf: ({ image: id }) => [imageRelation(id)],
  },
  snapshot: { schema: snapshot, idOf: ({ image: id }) => id },
  task: { schema: task, idOf: ({ id }) => id, relationsOf: ({ image: id }) => [imageRelation(id)] },
};
