import { EcomputeError } from '@etcd-compute/common/errors';

/** What a person typed is wrong; nothing has been sent anywhere. */
export const usageError = (message: string, hint: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_USAGE', message, { hint });

/** The number of single-letter edits between two words; a swap of neighbours counts as one. */
const editDistance = (from: string, to: string): number => {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      line[column] = Math.min(
        (last[column] ?? 0) + 1,
        (line[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (isSame ? 0 : 1),
        isSwap ? (beforeLast[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforeLast = last;
    last = line;
  }
  return last[to.length] ?? 0;
};

/** The word that was probably meant; undefined when none is near. */
export const closestWord = (typed: string, words: readonly string[]): string | undefined => {
  const limit = Math.max(1, Math.floor(typed.length / 3));
  const near = words
    .map((word) => ({ word, distance: word.startsWith(typed) && typed.length > 2 ? 0 : editDistance(typed, word) }))
    .filter(({ distance }) => distance <= limit)
    .toSorted((a, b) => a.distance - b.distance);
  return near[0]?.word;
};
