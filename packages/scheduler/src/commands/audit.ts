import pLimit from 'p-limit';
import { EcomputeError } from '@etcd-compute/common/errors';
import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import { findAmiss, type Found } from '../audit/find.js';
import { identityOf, type Finding } from '../audit/finding.js';
import { mend, type Mended } from '../audit/mend.js';
import type { Seen } from '../audit/seen.js';
import { viewOfFinding } from '../audit/view.js';
import { waitForAgents } from '../audit/wait-for-agents.js';
import { closeSomeBooks } from '../instances/close-books.js';
import { AUDIT_EXIT_CODES } from '../exit-code.js';
import { formatTime } from '../output/instance-shape.js';
import { findingShape } from '../output/finding-shape.js';
import type { CommandContext } from './context.js';

export interface AuditOptions {
  readonly isFixing: boolean;
  /** With their disks. */
  readonly isRemovingGuests: boolean;
  /** Uuid or name; undefined is all. */
  readonly host: string | undefined;
  readonly graceSeconds: number;
  /** For what the agents are asked to do. */
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** Mended at a time. */
const PARALLEL = 8;

export const audit = async (context: CommandContext, options: AuditOptions): Promise<number> => {
  const { cloud, output } = context;
  if (options.isFixing) await closeSomeBooks(cloud);
  const found = await findAmiss(cloud, options);
  const { seen } = found;
  const hostNames = (host: ProviderUuid): string | null => nameOfHost(seen, host);
  const host = options.host === undefined ? undefined : resolveHost(seen, options.host);
  const findings = found.findings.filter((finding) => host === undefined || finding.host === host).toSorted(inOrder);
  const mended = options.isFixing ? await mendAll(context, { findings, seen, options }) : new Map<string, Mended>();
  if (options.isFixing) await closeSomeBooks(cloud);
  const { presences } = seen;
  await output.list(
    findings.map((finding) => viewOfFinding(finding, { presences, hostNames, mended })),
    findingShape,
  );
  const isOldKey = (key: string): boolean => cloud.keys.parseLocation(key) !== undefined;
  for (const remark of remarksOn(found, { host, options, isOldKey })) output.note(`eschedule: ${remark}`);
  if (findings.length === 0) return AUDIT_EXIT_CODES.nothing;
  if (!options.isFixing) return AUDIT_EXIT_CODES.found;
  return [...mended.values()].every(({ state }) => state === 'fixed' || (state === 'asked' && !options.isWaiting))
    ? AUDIT_EXIT_CODES.fixed
    : AUDIT_EXIT_CODES.unfixed;
};

const inOrder = (a: Finding, b: Finding): number =>
  `${a.host} ${a.instance} ${a.kind}`.localeCompare(`${b.host} ${b.instance} ${b.kind}`);

interface MendOptions {
  readonly findings: readonly Finding[];
  readonly seen: Seen;
  readonly options: AuditOptions;
}

/** Each is mended by itself, except that one wish to an agent is for all that it will remove. */
const mendAll = async (
  context: CommandContext,
  { findings, seen, options }: MendOptions,
): Promise<Map<string, Mended>> => {
  const { cloud, interruption } = context;
  interruption.describe = () => 'what was begun is finished: see `eschedule audit`';
  const bounded = pLimit(PARALLEL);
  const wishes = new Map<string, Promise<Mended>>();
  const run = async (finding: Finding): Promise<Mended> =>
    bounded(async () => interruption.guard(async () => mend(cloud, finding)));
  const mendOne = async (finding: Finding): Promise<Mended> => {
    const key = wishKey(cloud.keys, finding);
    if (key === undefined) return run(finding);
    const wish = wishes.get(key) ?? run(finding);
    wishes.set(key, wish);
    return wish;
  };
  const results = await Promise.all(findings.map(async (finding) => [finding, await mendOne(finding)] as const));
  const asked = new Set(
    results.flatMap(([finding, { state }]) => (state === 'asked' ? (wishKey(cloud.keys, finding) ?? []) : [])),
  );
  const left =
    options.isWaiting && asked.size > 0
      ? await waitForAgents(context, [...asked], options.timeoutSeconds * 1000)
      : asked;
  return new Map(
    results.map(([finding, result]) => {
      const key = wishKey(cloud.keys, finding);
      const isAsked = result.state === 'asked' && key !== undefined;
      return [identityOf(finding), isAsked ? afterWish(finding, { isLeft: left.has(key), seen, options }) : result];
    }),
  );
};

const wishKey = (keys: CommandContext['cloud']['keys'], { mend, host, instance }: Finding): string | undefined =>
  mend.by === 'wish' && host !== null && instance !== null ? keys.request(host, instance) : undefined;

const afterWish = (
  { host }: Finding,
  { isLeft, seen, options }: { isLeft: boolean; seen: Seen; options: AuditOptions },
): Mended => {
  if (!isLeft) return { state: 'fixed', words: 'its agent has removed it' };
  // It will be done, but nobody can say when.
  if (host === null || !seen.presences.has(host))
    return { state: 'failed', words: 'its agent is down: it is asked to, and removes it when it is back' };
  if (!options.isWaiting) return { state: 'asked', words: 'its agent is asked to remove it' };
  return { state: 'failed', words: `its agent is asked to, and has not removed it within ${options.timeoutSeconds} s` };
};

const nameOfHost = ({ presences, providers }: Seen, host: ProviderUuid): string | null =>
  presences.get(host)?.hostname ?? providers.get(host) ?? null;

const resolveHost = (seen: Seen, uuidOrName: string): ProviderUuid => {
  const hosts = [
    ...new Set([
      ...seen.presences.keys(),
      ...seen.providers.keys(),
      ...seen.reports.keys(),
      ...seen.requests.map(({ host }) => host),
    ]),
  ];
  const uuid = providerUuidSchema.safeParse(uuidOrName).data;
  const [found, second] = hosts.filter((host) => host === uuid || nameOfHost(seen, host) === uuidOrName);
  if (found !== undefined && second === undefined) return found;
  const what = found === undefined ? `there is no host '${uuidOrName}'` : `several hosts are named '${uuidOrName}'`;
  throw new EcomputeError('ECOMPUTE_HOST_UNKNOWN', what, { hint: 'give its uuid: see `eschedule hosts -o wide`' });
};

interface RemarkOptions {
  readonly host: ProviderUuid | undefined;
  readonly options: AuditOptions;
  /** Whether a record stands where version 1 had it. */
  readonly isOldKey: (key: string) => boolean;
}

/** What a person should know to trust the list. */
const remarksOn = ({ seen, young, findings }: Found, { host: only, options, isOldKey }: RemarkOptions): string[] => {
  const { presences, reports, providers, problems } = seen;
  const remarks: string[] = [];
  for (const host of new Set([...reports.keys(), ...presences.keys()])) {
    if ((only !== undefined && host !== only) || !(providers.has(host) || presences.has(host))) continue;
    const name = nameOfHost(seen, host) ?? host;
    const report = reports.get(host)?.value;
    const at = report === undefined || report === 'not-understood' ? undefined : formatTime(report.at);
    if (!presences.has(host))
      remarks.push(`the agent of host ${name} is down: what it holds is known as of ${at ?? 'an unknown time'}`);
    else if (at === undefined) remarks.push(`the agent of host ${name} has not reported yet what is on its host`);
    if (report !== undefined && report !== 'not-understood' && report.left_out > 0)
      remarks.push(`the agent of host ${name} found ${report.left_out} more than it reported`);
  }
  const old = seen.records.filter(({ host, key }) => (only === undefined || host === only) && isOldKey(key));
  for (const host of new Set(old.map((record) => record.host)))
    remarks.push(
      `records of host ${nameOfHost(seen, host) ?? host} are where an older version has them: its agent moves them when it is upgraded`,
    );
  if (young > 0)
    remarks.push(
      `${young} ${young === 1 ? 'allocation without a request is' : 'allocations without a request are'} younger than ${options.graceSeconds} s: of boots at work, or to be judged later`,
    );
  if (findings.length > 0 && !options.isFixing) remarks.push('see `eschedule audit --help` for what --fix does');
  return [...remarks, ...problems.map(({ message }) => message)];
};
