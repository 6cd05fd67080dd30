import { EcomputeError } from '../../errors.js';
import { DEFAULT_PROJECT, projectSchema } from '../../ids.js';
import { UNBUILT, type ActionKind } from '../kind.js';
import { hardArgs } from './stop.js';

/** Its disks are copied, and then it takes nothing of its host but the copies. Another host, or this one, can build it again from them. */
export const shelve = {
  type: 'action',
  participle: 'shelved',
  args: hardArgs,
  from: [...UNBUILT, 'active', 'stopped'],
  leadsTo: 'shelved',
  subject: null,
  isNeeded: ({ request: { instance, project_id: project = DEFAULT_PROJECT } }) => {
    if (projectSchema.safeParse(project).success) return true;
    throw new EcomputeError(
      'ECOMPUTE_WISH_REFUSED',
      `instance ${instance} is in a project without a usable name, '${project}'`,
      { details: { instance }, hint: 'the original’s scheduler booted it; boot it with eschedule' },
    );
  },
} as const satisfies ActionKind;
