import { z } from 'zod';
import { EcomputeError } from '../../errors.js';
import { MAX_META_ENTRIES, metaKeySchema, metaValueSchema } from '../../etcd/messages/guest-config.js';
import { ALIVE, type EditKind } from '../kind.js';

const args = z.object({
  /** By key; null removes it. Others stay. */
  meta: z.record(metaKeySchema, metaValueSchema.nullable()),
});

/** Its metadata: the metadata server tells it at once, a config drive after the next start. */
export const set = {
  type: 'edit',
  participle: 'changed',
  args,
  from: [...ALIVE, 'shelved'],
  edit: (request, given) => {
    const meta = new Map(Object.entries(request.meta ?? {}));
    for (const [key, value] of Object.entries(args.parse(given).meta))
      if (value === null) meta.delete(key);
      else meta.set(key, value);
    if (meta.size > MAX_META_ENTRIES)
      throw new EcomputeError('ECOMPUTE_USAGE', `the instance would have ${meta.size} entries of metadata`, {
        details: { instance: request.instance },
        hint: `a guest takes ${MAX_META_ENTRIES} at the most`,
      });
    return { ...request, meta: Object.fromEntries(meta) };
  },
} as const satisfies EditKind;
