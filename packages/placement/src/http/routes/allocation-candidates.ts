import { findCandidates } from '../../engine/candidates/find-candidates.js';
import type { SearchOptions } from '../../engine/candidates/request.js';
import { summariesOf } from '../../engine/candidates/summaries.js';
import { checkRequestNames } from '../../engine/check-names.js';
import { Refusal } from '../../engine/refusal.js';
import { parseCandidatesRequest } from '../query/candidates-request.js';
import { renderCandidates } from '../render-candidates.js';
import type { Route } from '../route.js';
import { candidatesQuerySchema } from '../schemas/allocation-candidates.js';

export interface CandidatesSettings extends SearchOptions {
  /** Candidates may be as old as what a watch lags behind: whoever allocates from one is told when it is gone. */
  readonly mayLag?: boolean | undefined;
}

export const createAllocationCandidatesRoutes = (settings: CandidatesSettings = {}): readonly Route[] => [
  {
    method: 'GET',
    path: '/allocation_candidates',
    since: 10,
    rule: 'placement:allocation_candidates:list',
    query: candidatesQuerySchema,
    handle: ({ query, version, store }) => {
      const request = parseCandidatesRequest(query, version);
      return store.read(
        (view) => {
          checkRequestNames(view, request);
          const { candidates, isComplete } = findCandidates(view, request, settings);
          // An empty answer would mean that there is no room.
          if (candidates.length === 0 && !isComplete) throw new Refusal('bad-request', TOO_WIDE);
          const summaries = summariesOf(view, candidates, { onlyUsed: !request.mayNest });
          return {
            status: 200,
            body: renderCandidates({ candidates, summaries, request, version }),
            lastModified: Date.now(),
          };
        },
        { mayLag: settings.mayLag ?? true },
      );
    },
  },
];

const TOO_WIDE =
  'There are too many ways to combine providers to tell whether one of them meets this request. ' +
  'Ask for fewer groups, or narrow them by `required`, `member_of` or `in_tree`.';
