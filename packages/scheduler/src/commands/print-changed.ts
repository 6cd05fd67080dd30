import type { Changed } from '@etcd-compute/cloud/wishes/ask';
import { instanceShape } from '../output/instance-shape.js';
import type { Output } from '../output/output.js';

/** Prints what has become of instances, if a format is asked for: without one, a command that changes something is silent, as the original. */
export const printChanged = async (output: Output, { instances }: Changed): Promise<void> => {
  if (output.format !== undefined) await output.list(instances, instanceShape);
};

/** Tells every error but the first, which the caller throws: it gives the exit code. */
export const throwFirst = (output: Output, [first, ...others]: readonly Error[]): void => {
  for (const error of others) output.error(error);
  if (first) throw first;
};
