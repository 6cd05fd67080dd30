import { EXIT_CODES } from '../exit-code.js';
import { instanceShape } from '../output/instance-shape.js';
import type { CommandContext } from './context.js';

export const list = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { isAll }: { readonly isAll: boolean },
): Promise<number> => {
  const isBrief = output.format !== 'json' && output.format !== 'yaml';
  const { instances, problems } = await cloud.list({ isAll, isBrief, signal });
  await output.list(instances, instanceShape);
  for (const problem of problems) output.note(`eschedule: ${problem.message}`);
  return EXIT_CODES.done;
};
