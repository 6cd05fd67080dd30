import { instanceUuidSchema } from '@etcd-compute/common/ids';
import { usageError } from '../usage.js';

/**
 * The command lines of the original `eschedule`. What they print on standard output is its text to the letter, because programs
 * read it; ours adds words on standard error only.
 */
export type OriginalForm =
  | { readonly form: 'schedule'; readonly resources: string; readonly image: string | undefined }
  | { readonly form: 'query'; readonly instance: string };

/** The original goes by the first argument alone: `resources` anywhere in it, or else an instance. */
export const parseOriginalForm = (argv: readonly string[]): OriginalForm | undefined => {
  const [first = '', second, ...more] = argv;
  if (first.startsWith('-')) return undefined;
  if (first.includes('resources')) {
    if (more.length > 0)
      throw usageError(`too many arguments after '${first}'`, "expected: eschedule 'resources=...' [IMAGE]");
    return { form: 'schedule', resources: first, image: second };
  }
  const isQuery = second === undefined && instanceUuidSchema.safeParse(first).success;
  return isQuery ? { form: 'query', instance: first } : undefined;
};
