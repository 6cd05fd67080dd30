import { EXIT_CODES } from '../exit-code.js';
import { instanceShape, renderInstance } from '../output/instance-shape.js';
import type { CommandContext } from './context.js';

export const show = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { uuidOrName }: { readonly uuidOrName: string },
): Promise<number> => {
  const view = await cloud.get(uuidOrName, { signal });
  await output.one(view, instanceShape, () => renderInstance(view, output.isColorful));
  return EXIT_CODES.done;
};
