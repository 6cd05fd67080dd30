import { EXIT_CODES } from '../exit-code.js';
import { hostShape } from '../output/host-shape.js';
import type { CommandContext } from './context.js';

export const hosts = async ({ cloud, output, interruption: { signal } }: CommandContext): Promise<number> => {
  await output.list(await cloud.hosts.list({ signal }), hostShape);
  return EXIT_CODES.done;
};
