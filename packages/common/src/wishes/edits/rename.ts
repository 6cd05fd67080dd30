import { z } from 'zod';
import { instanceNameSchema } from '../../ids.js';
import { ALIVE, type EditKind } from '../kind.js';

const args = z.object({ name: instanceNameSchema });

/** Its guest has the new host name after its next start, if it asks for it then. */
export const rename = {
  type: 'edit',
  participle: 'renamed',
  args,
  from: [...ALIVE, 'shelved'],
  edit: (request, given) => ({ ...request, name: args.parse(given).name }),
} as const satisfies EditKind;
