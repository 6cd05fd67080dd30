import { canonical, candidatesOf, detailOf, hasLimit, propertyOf } from './compare.js';
import type { Reply } from './exchange.js';
import type { FuzzRequest } from './request.js';

/** Where the two differ on purpose, or by a fault of the other. */
export interface KnownDifference {
  readonly reason: string;
  readonly explains: (request: FuzzRequest, ours: Reply, theirs: Reply) => boolean;
}

export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    reason: 'OpenStack Placement fails with an error of its own',
    explains: (_request, ours, theirs) => theirs.status === 500 && ours.status < 500,
  },
  {
    reason: 'names that there are not are refused always, by OpenStack Placement only while something may be found',
    explains: ({ method }, ours, theirs) =>
      method === 'GET' &&
      ours.status === 400 &&
      detailOf(ours.body).includes('No such ') &&
      theirs.status === 200 &&
      isEmpty(theirs.body),
  },
  {
    reason:
      'OpenStack Placement adds amounts of several groups up in what other candidates show too, unless group_policy is none',
    explains: (request, ours, theirs) =>
      isAboutCandidates(request) &&
      ours.status === 200 &&
      theirs.status === 200 &&
      groupPolicyOf(request) !== 'none' &&
      hasClassInTwoGroups(request),
  },
  {
    reason: 'OpenStack Placement finds what shared providers alone serve of the group without suffix in one tree only',
    explains: (request, ours, theirs) =>
      isAboutCandidates(request) &&
      ours.status === 200 &&
      theirs.status === 200 &&
      resourcesOf(request).has('') &&
      resourcesOf(request).size > 1 &&
      (hasLimit(request) || isMore(ours.body, theirs.body)),
  },
];

const isEmpty = (body: unknown): boolean =>
  ['allocation_requests', 'resource_providers'].some((name) => {
    const list = propertyOf(body, name);
    return Array.isArray(list) && list.length === 0;
  });

const isAboutCandidates = ({ path }: FuzzRequest): boolean => path.startsWith('/allocation_candidates');

const queryOf = ({ path }: FuzzRequest): URLSearchParams => new URL(path, 'http://localhost').searchParams;

const groupPolicyOf = (request: FuzzRequest): string | null => queryOf(request).get('group_policy');

/** Classes by suffix. */
const resourcesOf = (request: FuzzRequest): ReadonlyMap<string, readonly string[]> =>
  new Map(
    [...queryOf(request)]
      .filter(([key]) => key.startsWith('resources'))
      .map(([key, value]) => [key.slice('resources'.length), value.split(',').map((part) => part.split(':')[0] ?? '')]),
  );

const hasClassInTwoGroups = (request: FuzzRequest): boolean => {
  const classes = [...resourcesOf(request).values()].flat();
  return new Set(classes).size < classes.length;
};

/** Whether there is all that is there of theirs, and more, of which each has a provider that shares. */
const isMore = (ours: unknown, theirs: unknown): boolean => {
  const known = new Set(candidatesOf(theirs).map(canonical));
  const own = candidatesOf(ours).map((candidate) => ({ candidate, text: canonical(candidate) }));
  const more = own.filter(({ text }) => !known.has(text));
  return (
    own.length - more.length === known.size &&
    more.every(({ candidate }) => {
      const providers = Object.keys(propertyOf(candidate, 'allocations') ?? {});
      const summaries = propertyOf(ours, 'provider_summaries');
      return providers.some((uuid) => {
        const traits = propertyOf(propertyOf(summaries, uuid), 'traits');
        return Array.isArray(traits) && traits.includes('MISC_SHARES_VIA_AGGREGATE');
      });
    })
  );
};
