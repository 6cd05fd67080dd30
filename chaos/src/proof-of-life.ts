import { typeLine } from '@etcd-compute/testing/type-line';
import type { Violation } from './invariants/rule.js';
import { noteAttempt, type Ledger } from './ledger.js';
import type { OperationKind } from './operation-kinds.js';
import { runUndisturbed, type Attempt } from './operations.js';
import type { Stage } from './stage.js';
import { readWorld } from './world.js';

/** One instance's whole life. libvirt's test driver has no consoles and no network. */
const lifeOf = ({ hasGuests }: Pick<Stage, 'hasGuests'>): readonly OperationKind[] => [
  'boot-and-wait',
  ...(hasGuests ? (['logs', 'tunnel'] as const) : []),
  'stop-and-wait',
  'start-and-wait',
  'destroy-and-wait',
];

const LISTEN_MS = 30_000;

/**
 * With no fault about, everything must work: a cloud in which all is consistent because nothing runs any more would break no rule.
 * Leaves nothing behind when it works.
 */
export const proveLife = async (stage: Stage, name: string): Promise<Violation[]> => {
  const run = async (kind: OperationKind): Promise<Attempt> => runUndisturbed(stage, kind, name);
  const ledger: Ledger = new Map();
  for (const kind of lifeOf(stage)) {
    const attempt =
      kind === 'tunnel'
        ? await reachGuest(stage, { name, instance: ledger.get(name)?.instance }, async () => run(kind))
        : await run(kind);
    noteAttempt(ledger, attempt);
    const { code, stdout, stderr } = attempt;
    if (code !== 0 || (kind === 'tunnel' && !isReached(attempt))) {
      const said = `${stdout.trim()} ${stderr.trim()}`.trim();
      return [{ rule: 'no life', what: `${kind} ${name}: exit ${code} without any fault: ${said}` }];
    }
  }
  return [];
};

/** Lets the guest answer connections with its host name. @returns the tunnel that printed it, or the last one that did not. */
const reachGuest = async (
  stage: Stage,
  { name, instance }: { name: string; instance: string | undefined },
  tunnel: () => Promise<Attempt>,
): Promise<Attempt> => {
  const { hosts } = await readWorld(stage);
  const at = hosts.findIndex(({ domains }) => domains.some(({ uuid }) => uuid === instance));
  const link = stage.hosts[at]?.link;
  if (instance === undefined || !link) throw new Error(`${name} was booted, and no host has its domain`);
  await using domain = await link.get().domainLookupByUUID(instance);
  await typeLine(domain, 'nc -ll -p 22 -e hostname &');
  let attempt = await tunnel();
  // The shell takes its time.
  for (const until = Date.now() + LISTEN_MS; !isReached(attempt) && Date.now() < until;) attempt = await tunnel();
  return attempt;
};

const isReached = ({ code, stdout }: Attempt): boolean => code === 0 && stdout.trim() !== '';
