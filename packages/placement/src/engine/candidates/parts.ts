import type { Amount } from '../room.js';
import type { CandidatesRequest, RequestGroup } from './request.js';

/** What one provider serves: a group that has a suffix, or one resource class of the group that has none. */
export interface Part {
  /** Empty: the part is one class of the group without suffix. */
  readonly suffix: string;
  readonly group: RequestGroup;
  readonly amounts: readonly Amount[];
  /** Parts that are alike can be exchanged: which of them is served by which of two providers makes no difference to the others. */
  readonly likeness: string;
}

/** Those of the group without suffix come first. */
export const partsOf = ({ groups, sameSubtrees }: CandidatesRequest): readonly Part[] => {
  const parts = [...groups].flatMap(([suffix, group]): Part[] => {
    const subtrees = sameSubtrees.map((suffixes) => suffixes.includes(suffix));
    const entries = Object.entries(group.resources);
    return (suffix === '' ? entries.map((entry) => [entry]) : [entries]).map((amounts) => ({
      suffix,
      group,
      amounts,
      likeness: JSON.stringify([suffix === '', amounts, subtrees]),
    }));
  });
  return [...parts.filter(({ suffix }) => suffix === ''), ...parts.filter(({ suffix }) => suffix !== '')];
};
