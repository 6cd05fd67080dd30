import { closeSomeBooks } from '../instances/books.js';
import { resolveHost } from '../hosts/resolve-host.js';
import { namesOf } from '../hosts/host-names.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { findAmiss } from './find.js';
import { DEFAULT_GRACE_SECONDS } from './grace.js';
import { identityOf, type Finding } from './finding.js';
import { mendAll } from './mend-all.js';
import type { Mended } from './mend.js';
import { remarksOn, type AuditRemark } from './remarks.js';
import type { Seen } from './seen.js';

export interface AuditOptions extends RunOptions {
  /** Whether to fix what is safe to fix. */
  readonly isFixing?: boolean;
  /** With `isFixing`: also guests and disks without a request are destroyed. */
  readonly isRemovingGuests?: boolean;
  /** Uuid or name; undefined is all. */
  readonly host?: string | undefined;
  /** An allocation this young may be of a boot at work, and is left alone. Default 300, as long as the agents' own. */
  readonly graceSeconds?: number;
  /** How long to wait for what the agents are asked to do; undefined does not wait. */
  readonly waitMs?: number | undefined;
}

/** Something that does not fit together, and what was done about it. */
export interface AuditedFinding extends Finding {
  readonly hostName: string | null;
  /** Whether the host's agent is there; null where there is no host. */
  readonly agent: 'up' | 'draining' | 'down' | null;
  /** Undefined when nothing was to be mended. */
  readonly mended: Mended | undefined;
}

export interface AuditResult {
  readonly findings: readonly AuditedFinding[];
  readonly remarks: readonly AuditRemark[];
}

/** Finds what does not agree between etcd, Placement and the agents' reports. It ignores what is not ours. */
export const audit = async (services: Services, options: AuditOptions = {}): Promise<AuditResult> =>
  run(options, async (running) => {
    const { isFixing = false, isRemovingGuests = false, graceSeconds = DEFAULT_GRACE_SECONDS, waitMs } = options;
    if (isFixing) await closeSomeBooks(services, { instances: 'all' });
    const found = await findAmiss(services, { graceSeconds, isRemovingGuests });
    const { seen } = found;
    const { presences, providers } = seen;
    const hostNames = namesOf(presences, providers);
    const host = options.host === undefined ? undefined : resolveHost(options.host, hostsOf(seen), hostNames);
    const findings = found.findings.filter((finding) => host === undefined || finding.host === host).toSorted(inOrder);
    const mended = isFixing ? await mendAll(services, { findings, seen, waitMs }, running) : new Map<string, Mended>();
    if (isFixing) await closeSomeBooks(services, { instances: 'all' });
    const isOldKey = (key: string): boolean => services.keys.parseLocation(key) !== undefined;
    return {
      findings: findings.map((finding) => ({
        ...finding,
        hostName: finding.host && hostNames(finding.host),
        agent: finding.host && (presences.get(finding.host)?.state ?? 'down'),
        mended: mended.get(identityOf(finding)),
      })),
      remarks: remarksOn(found, { host, hostNames, isOldKey }),
    };
  });

const inOrder = (a: Finding, b: Finding): number =>
  `${a.host} ${a.instance} ${a.kind}`.localeCompare(`${b.host} ${b.instance} ${b.kind}`);

const hostsOf = ({ presences, providers, reports, requests }: Seen) =>
  new Set([...presences.keys(), ...providers.keys(), ...reports.keys(), ...requests.map(({ host }) => host)]);
