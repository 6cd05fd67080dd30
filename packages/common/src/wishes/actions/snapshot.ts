import { z } from 'zod';
import { isCopyName } from '../../etcd/messages/shelved.js';
import { instanceNameSchema } from '../../ids.js';
import { ALIVE, type ActionKind } from '../kind.js';

/** Unique among the snapshots of the instance's project. */
export const snapshotNameSchema = instanceNameSchema.refine(
  (name) => !isCopyName(name),
  'expected a name that is not that of a shelved instance’s copy',
);
export const snapshotArgs = z.object({ name: snapshotNameSchema });

/** Its root disk, as it is now, becomes an image that others can be booted from. The guest goes on. */
export const snapshot = {
  type: 'action',
  participle: 'snapshotted',
  args: snapshotArgs,
  from: ALIVE,
  leadsTo: 'as-before',
  subject: null,
  example: { name: 'golden' },
} as const satisfies ActionKind;
