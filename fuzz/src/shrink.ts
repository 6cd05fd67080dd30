import type { FuzzRequest } from './request.js';

/** @param isTheSame whether the last request is still answered differently, in the same way. */
export const shrink = async (
  requests: readonly FuzzRequest[],
  isTheSame: (requests: readonly FuzzRequest[]) => Promise<boolean>,
): Promise<readonly FuzzRequest[]> => {
  let shortest = requests;
  for (let size = Math.ceil((requests.length - 1) / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let end = shortest.length - 1; end > 0; end -= size) {
      const left = [...shortest.slice(0, Math.max(0, end - size)), ...shortest.slice(end)];
      if (await isTheSame(left)) shortest = left;
    }
  }
  return shortest;
};
