import { imageSchema } from '../config.js';
import { closestWord, usageError } from '../usage.js';

export type ImageAction = { readonly action: 'list' } | { readonly action: 'prefetch' | 'rm'; readonly image: string };

const ACTIONS = ['list', 'prefetch', 'rm', 'remove'] as const;
const HINT = 'see `eschedule image --help`';
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** The words after `image`. @throws EcomputeError ECOMPUTE_USAGE */
export const parseImageAction = ([word = '', image, ...more]: readonly string[]): ImageAction => {
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) {
    const near = closestWord(word, ACTIONS);
    throw usageError(`image does not know '${word}'`, near === undefined ? HINT : `did you mean \`image ${near}\`?`);
  }
  if (action === 'list') {
    if (image !== undefined) throw usageError(`image list does not take '${image}'`, HINT);
    return { action };
  }
  if (image === undefined) throw usageError(`image ${word} needs an image`, HINT);
  if (more.length > 0) throw usageError(`image ${word} does not take '${more.join(' ')}'`, HINT);
  const isRemoval = action !== 'prefetch';
  const isUsable = imageSchema.safeParse(image).success || (isRemoval && DIGEST.test(image));
  if (!isUsable)
    throw usageError(
      `the image '${image}' is not usable`,
      isRemoval
        ? 'expected its URL, snapshot:NAME, or its digest as `eschedule image list -o wide` shows it'
        : 'expected its URL, or snapshot:NAME',
    );
  return { action: isRemoval ? 'rm' : action, image: DIGEST.test(image) ? image : new URL(image).href };
};
