import { MAX_META_ENTRIES, metaKeySchema, metaValueSchema } from '@etcd-compute/common/etcd/messages/guest-config';
import { usageError } from '../usage.js';

/** Reads what `--meta` was given. @throws EcomputeError ECOMPUTE_USAGE */
export const parseMeta = (entries: readonly string[]): Record<string, string> => {
  const meta = new Map<string, string>();
  for (const entry of entries) {
    const at = entry.indexOf('=');
    if (at < 1) throw usageError(`--meta '${entry}' is not usable: expected KEY=VALUE`, 'such as --meta role=web');
    const [key, value] = [entry.slice(0, at), entry.slice(at + 1)];
    const problem =
      metaKeySchema.safeParse(key).error?.issues[0]?.message ??
      metaValueSchema.safeParse(value).error?.issues[0]?.message;
    if (problem !== undefined) throw usageError(`--meta '${key}' is not usable: ${problem}`, 'such as --meta role=web');
    if (meta.has(key)) throw usageError(`--meta '${key}' is given twice`, 'give it once');
    meta.set(key, value);
  }
  if (meta.size > MAX_META_ENTRIES)
    throw usageError(`--meta is given ${meta.size} times`, `a guest takes ${MAX_META_ENTRIES} at the most`);
  return Object.fromEntries(meta);
};
