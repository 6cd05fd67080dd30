import { EXIT_CODES } from '../exit-code.js';
import { imageShape, imageWishShape } from '../output/image-shape.js';
import type { CommandContext } from './context.js';
import { throwFirst } from './print-changed.js';

/** What the hosts have cached. */
export const listImages = async (
  { cloud, output, interruption: { signal } }: CommandContext,
  { hosts }: { hosts: readonly string[] },
): Promise<number> => {
  await output.list(await cloud.images.list({ hosts, signal }), imageShape);
  return EXIT_CODES.done;
};

export interface ImageWishOptions {
  readonly verb: 'prefetch' | 'remove';
  readonly image: string;
  readonly checksum: string | undefined;
  /** Uuids or names; an empty list means all hosts that are up. */
  readonly hosts: readonly string[];
  readonly timeoutSeconds: number;
}

/** Asks the agents of hosts, and waits for what they say. */
export const wishForImage = async (
  { cloud, output, interruption }: CommandContext,
  { verb, image, checksum, hosts, timeoutSeconds }: ImageWishOptions,
): Promise<number> => {
  const result = await cloud.images[verb](image, {
    hosts,
    checksum,
    waitMs: timeoutSeconds * 1000,
    signal: interruption.signal,
    onEvent: ({ type }) => {
      if (type === 'image-asked') interruption.describe = () => 'the agents that were asked go on';
    },
  });
  await output.list(result.hosts, imageWishShape);
  throwFirst(output, result.errors);
  return EXIT_CODES.done;
};
