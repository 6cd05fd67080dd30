import { renderQueryWithLimit } from '@etcd-compute/common/capacity/want';
import type { Want } from '@etcd-compute/common/capacity/capacity';
import type { CandidatesRequest } from '../engine/candidates/request.js';
import { BAD_VALUE, badQuery } from '../http/query/bad-query.js';
import { parseCandidatesRequest } from '../http/query/candidates-request.js';

/** What queries may say, and mean. */
const MICROVERSION = 39;

const KEY =
  /^(?:limit|group_policy|root_required|same_subtree|(?:resources|required|member_of|in_tree)[a-zA-Z0-9_-]{0,64})$/;

/** Over HTTP a schema looks at the keys. What nobody knows may be a misspelt condition. @throws HttpError. */
export const parseWant = (want: Want, limit: number): CandidatesRequest => {
  const query = new URLSearchParams(renderQueryWithLimit(want, limit));
  for (const key of query.keys())
    if (!KEY.test(key)) throw badQuery(`Invalid query string parameters: '${key}' is not known.`);
  const policy = query.get('group_policy') ?? 'none';
  if (policy !== 'none' && policy !== 'isolate')
    throw badQuery(`Invalid query string parameters: '${policy}' is not one of 'none', 'isolate'.`, BAD_VALUE);
  return parseCandidatesRequest(query, MICROVERSION);
};
