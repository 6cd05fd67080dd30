import type { Candidate, CandidatesRequest } from '../engine/candidates/request.js';
import type { ProviderSummary } from '../engine/candidates/summaries.js';

export interface RenderCandidatesOptions {
  readonly candidates: readonly Candidate[];
  readonly summaries: ReadonlyMap<string, ProviderSummary>;
  readonly request: CandidatesRequest;
  /** N of microversion 1.N. */
  readonly version: number;
}

/** What `GET /allocation_candidates` answers. */
export const renderCandidates = ({ candidates, summaries, request, version }: RenderCandidatesOptions): object => {
  const requested = new Set([...request.groups.values()].flatMap(({ resources }) => Object.keys(resources)));
  return {
    allocation_requests: candidates.map((candidate) => renderCandidate(candidate, version)),
    provider_summaries: Object.fromEntries(
      [...summaries].map(([uuid, summary]) => [uuid, renderSummary(summary, requested, version)]),
    ),
  };
};

/** As it can be sent in a `PUT /allocations/{consumer}` of the same version. */
const renderCandidate = ({ allocations, mappings }: Candidate, version: number): object =>
  version < 12
    ? {
        allocations: [...allocations].map(([uuid, resources]) => ({ resource_provider: { uuid }, resources })),
      }
    : {
        allocations: Object.fromEntries([...allocations].map(([uuid, resources]) => [uuid, { resources }])),
        ...(version >= 34 && { mappings: Object.fromEntries(mappings) }),
      };

const renderSummary = (
  { resources, traits, parent, root }: ProviderSummary,
  requested: ReadonlySet<string>,
  version: number,
): object => ({
  resources:
    version >= 27 ? resources : Object.fromEntries(Object.entries(resources).filter(([name]) => requested.has(name))),
  ...(version >= 17 && { traits }),
  ...(version >= 29 && { parent_provider_uuid: parent, root_provider_uuid: root }),
});
