import { EXIT_CODES } from '../exit-code.js';
import { instanceShape, renderInstance } from '../output/instance-shape.js';
import { readOwnerNames, withNamedOwners } from '../output/owner-names.js';
import type { CommandContext } from './context.js';

export const show = async (
  { cloud, services, output, interruption: { signal } }: CommandContext,
  { uuidOrName }: { readonly uuidOrName: string },
): Promise<number> => {
  const view = await cloud.get(uuidOrName, { signal });
  const isData = output.format === 'json' || output.format === 'yaml';
  const shown = isData ? view : withNamedOwners(view, await readOwnerNames(services, [view]));
  await output.one(shown, instanceShape, () => renderInstance(shown, output.isColorful));
  return EXIT_CODES.done;
};
