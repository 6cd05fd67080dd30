import { findHostNames, namesOf } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { listInstances } from '../instances/list-instances.js';
import { instanceShape } from '../output/instance-shape.js';
import { EXIT_CODES } from '../exit-code.js';
import type { CommandContext } from './context.js';

/** `localeCompare` would look up the language for each of a million comparisons. */
const { compare } = new Intl.Collator('en', { numeric: true });

/** By name, the nameless last; then by uuid. */
const order = (a: { name: string | null; instance: string }, b: { name: string | null; instance: string }): number =>
  compare(a.name ?? '\uffff', b.name ?? '\uffff') || compare(a.instance, b.instance);

export const list = async (
  { cloud, output }: CommandContext,
  { isAll }: { readonly isAll: boolean },
): Promise<number> => {
  const presences = await listPresences(cloud);
  const isBrief = output.format !== 'json' && output.format !== 'yaml';
  const options = { isAll, isBrief, hostNames: namesOf(presences) };
  const { views, hosts, problems } = await listInstances(cloud, options);
  const hostNames = await findHostNames(cloud, presences, [...hosts]);
  const names = new Map<string, string | null>([...hosts].map((host) => [host, hostNames(host)]));
  // Most have theirs, from the agents: fifty thousand copies would take as much memory again.
  const named = views.map((view) =>
    view.hostName === null ? { ...view, hostName: names.get(view.host) ?? null } : view,
  );
  await output.list(named.toSorted(order), instanceShape);
  for (const problem of problems) output.note(`eschedule: ${problem.message}`);
  return EXIT_CODES.done;
};
