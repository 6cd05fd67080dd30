import { PlacementIndex } from '@etcd-compute/placement/index/placement-index';
import { findMiscounts } from './invariants/counted.js';
import type { RevisionJudge } from './revision-watch.js';
import type { Stage } from './stage.js';
import { takeCounted } from './world/read-etcd.js';

/** Whether etcd counts room rightly. @param foreign somebody else's consumer. */
export const createCountingJudge = ({ keys }: Pick<Stage, 'keys'>, foreign: string): RevisionJudge => {
  const index = new PlacementIndex();
  /** Where each instance is wished, by the key of its request. */
  const requests = new Map<string, { readonly instance: string; readonly host: string }>();
  return {
    take: (event) => {
      const request = keys.parseRequest(event.key);
      if (request && event.value === undefined) requests.delete(event.key);
      else if (request) requests.set(event.key, request);
      return takeCounted(index, keys, event) || request !== undefined;
    },
    judge: () => findMiscounts(index, { requests: requests.values(), foreign }),
    forgetDeleted: (upTo) => index.forgetDeleted(upTo),
  };
};
