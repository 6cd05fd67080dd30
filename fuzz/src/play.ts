import type { View } from '@etcd-compute/placement/index/view';
import { clear } from './clear.js';
import { compare, compareWithAll, hasLimit } from './compare.js';
import { type Reply, send } from './exchange.js';
import { KNOWN_DIFFERENCES } from './known-differences.js';
import { type FuzzRequest, resolveBody, withConsumersOf, withoutConsumersOf } from './request.js';
import { startOurs } from './servers.js';

/** A request that was not answered the same. */
export interface Difference {
  readonly request: FuzzRequest;
  readonly difference: string;
  readonly ours: Reply;
  readonly theirs: Reply;
}

interface Played {
  readonly requests: readonly FuzzRequest[];
  /** How often each known reason was met. */
  readonly known: ReadonlyMap<string, number>;
  readonly replies: readonly Reply[];
  /** Of the last request. */
  readonly difference?: Difference;
}

export interface Player {
  /**
   * Sends requests to an empty Placement of ours and to one of OpenStack's, until one is answered differently.
   *
   * @param next undefined ends it.
   */
  readonly play: (next: (view: View) => FuzzRequest | undefined) => Promise<Played>;
}

export const createPlayer = (theirEndpoint: string): Player => {
  let plays = 0;
  const play: Player['play'] = async (next) => {
    plays += 1;
    const number = plays;
    await clear(theirEndpoint);
    await using ours = await startOurs();
    const requests: FuzzRequest[] = [];
    const known = new Map<string, number>();
    const replies: Reply[] = [];
    for (;;) {
      const prepared = await ours.store.read((view) => {
        const made = next(view);
        if (!made) return undefined;
        const request = withConsumersOf(number, made);
        return { request, body: request.body === undefined ? undefined : resolveBody(request.body, view) };
      });
      if (!prepared) return { requests, known, replies };
      const { request, body } = prepared;
      requests.push(withoutConsumersOf(number, request));
      const our = await send(ours.endpoint, request, body);
      const their = await send(theirEndpoint, request, body);
      replies.push(their);
      const difference =
        compare(request, our, their) ?? (await compareLimited({ request, our, endpoint: theirEndpoint }));
      if (difference === undefined) continue;
      const reason = KNOWN_DIFFERENCES.find(({ explains }) => explains(request, our, their))?.reason;
      if (reason === undefined)
        return { requests, known, replies, difference: { request, difference, ours: our, theirs: their } };
      known.set(reason, (known.get(reason) ?? 0) + 1);
      // What a write did to only one of them would show in all that follows.
      if (request.method !== 'GET' && our.status < 300 !== their.status < 300) return { requests, known, replies };
    }
  };
  return { play };
};

/** What is found within a limit must be among what is found without. */
const compareLimited = async (sent: {
  readonly request: FuzzRequest;
  readonly our: Reply;
  readonly endpoint: string;
}): Promise<string | undefined> => {
  const { request, our, endpoint } = sent;
  if (!hasLimit(request) || our.status !== 200) return undefined;
  const path = request.path.replace(/[?&]limit=\d+/, '').replace(/^([^?&]+)&/, '$1?');
  return compareWithAll(our, await send(endpoint, { ...request, path }, undefined));
};
