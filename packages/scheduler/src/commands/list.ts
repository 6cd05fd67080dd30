import { EXIT_CODES } from '../exit-code.js';
import { instanceOfAnyProjectShape, instanceShape } from '../output/instance-shape.js';
import { readOwnerNames, withOwnerNames } from '../output/owner-names.js';
import type { CommandContext } from './context.js';

export interface ListOptions {
  readonly isAll: boolean;
  readonly isOfAllProjects: boolean;
}

export const list = async (
  { cloud, services, config, output, interruption: { signal } }: CommandContext,
  { isAll, isOfAllProjects }: ListOptions,
): Promise<number> => {
  const isBrief = output.format !== 'json' && output.format !== 'yaml';
  const { instances, problems } = await cloud.list({ isAll, isOfAllProjects, isBrief, signal });
  const none = `no instances in project ${config.project}; --all-projects lists those of all`;
  const showsOwners = output.format === 'wide' || (isOfAllProjects && isBrief);
  const shown = showsOwners ? withOwnerNames(instances, await readOwnerNames(services, instances)) : instances;
  await output.list(shown, isOfAllProjects ? instanceOfAnyProjectShape : { ...instanceShape, none });
  for (const problem of problems) output.note(`eschedule: ${problem.message}`);
  return EXIT_CODES.done;
};
