import { parseArgs } from 'node:util';
import { createRandom } from '@etcd-compute/chaos/random';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { propertyOf } from './compare.js';
import type { Reply } from './exchange.js';
import { createGenerator } from './generate/generate.js';
import { createPlayer, type Difference } from './play.js';
import { renderRequest, type FuzzRequest } from './request.js';
import { shrink } from './shrink.js';

/** `npm run fuzz:placement -- [--requests N] [--seed S] [--keep-going]` */

const ROUND = { building: 60, living: 140 };

const readWhole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text} is not usable: expected a whole number above 0`);
};

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    'keep-going': { type: 'boolean', default: false },
  },
});
const [wanted, seed] = [readWhole('requests', values.requests), readWhole('seed', values.seed)];

const theirs = await startPlacement({ workers: 1 });
const { play } = createPlayer(theirs.endpoint);
const replay = async (requests: readonly FuzzRequest[]): Promise<Difference | undefined> => {
  const left = [...requests];
  const { requests: played, difference } = await play(() => left.shift());
  return played.length === requests.length ? difference : undefined;
};

const tell = (difference: Difference, requests: readonly FuzzRequest[]): void => {
  const { ours, theirs, difference: text } = difference;
  process.stdout.write(
    `${[
      `differs: ${text}`,
      ...requests.map((request) => `  ${renderRequest(request)}`),
      `  ours:   ${ours.status} ${JSON.stringify(ours.body)}`,
      `  theirs: ${theirs.status} ${JSON.stringify(theirs.body)}`,
    ]
      .join('\n')
      // Enough to tell them apart.
      .replaceAll(/([acd])[0-9a-f]{7}-0000-4000-8000-0{10}/g, '$1')}\n`,
  );
};

const known = new Map<string, number>();
/** How many of the other's replies there were of each kind: a run in which all is refused says little. */
const kinds = new Map<string, number>();
const kindOf = ({ status, body }: Reply): string => {
  if (status >= 400) return String(status);
  const candidates = propertyOf(body, 'allocation_requests');
  if (!Array.isArray(candidates)) return 'done';
  return candidates.length === 0 ? 'no candidates' : 'candidates';
};
let [sent, differences] = [0, 0];
try {
  for (let round = 0; sent < wanted; round += 1) {
    const generate = createGenerator(createRandom(seed + round), ROUND.building);
    let left = ROUND.building + ROUND.living;
    const played = await play((view) => (left-- > 0 ? generate(view) : undefined));
    sent += played.requests.length;
    for (const [reason, count] of played.known) known.set(reason, (known.get(reason) ?? 0) + count);
    for (const kind of played.replies.map(kindOf)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (!played.difference) continue;
    differences += 1;
    process.stdout.write(`round ${seed + round}, request ${played.requests.length}\n`);
    const { difference } = played.difference;
    const isTheSame = async (requests: readonly FuzzRequest[]): Promise<boolean> =>
      (await replay(requests))?.difference === difference;
    const shortest = await shrink(played.requests, isTheSame);
    tell((await replay(shortest)) ?? played.difference, shortest);
    if (!values['keep-going']) break;
  }
} finally {
  await theirs.stop();
}
for (const [reason, count] of known) process.stdout.write(`${count} times: ${reason}\n`);
process.stdout.write(`${[...kinds].map(([kind, count]) => `${kind} ${count}`).join(', ')}\n`);
process.stdout.write(`${sent} requests, ${differences} differences\n`);
process.exitCode = differences === 0 ? 0 : 1;
