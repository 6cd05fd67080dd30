import type { AuditOptions as CloudAuditOptions, AuditedFinding } from '@etcd-compute/cloud/audit/audit';
import type { AuditRemark } from '@etcd-compute/cloud/audit/remarks';
import { formatTime } from '@etcd-compute/common/format-time';
import { AUDIT_EXIT_CODES } from '../exit-code.js';
import { findingShape } from '../output/finding-shape.js';
import { viewOfFinding } from '../output/finding-view.js';
import type { CommandContext } from './context.js';

export interface AuditOptions extends Pick<CloudAuditOptions, 'isFixing' | 'isRemovingGuests' | 'host'> {
  readonly graceSeconds: number;
  /** For what the agents are asked to do. */
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

export const audit = async (context: CommandContext, options: AuditOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { isWaiting, timeoutSeconds, isFixing, graceSeconds } = options;
  if (isFixing) interruption.describe = () => 'what was begun is finished: see `eschedule audit`';
  const { findings, remarks } = await cloud.audit({
    ...options,
    waitMs: isWaiting ? timeoutSeconds * 1000 : undefined,
    signal: interruption.signal,
  });
  await output.list(findings.map(viewOfFinding), findingShape);
  for (const remark of remarks) output.note(`eschedule: ${wordsOf(remark, graceSeconds)}`);
  if (findings.length === 0) return AUDIT_EXIT_CODES.nothing;
  if (isFixing) return findings.every(isMended(isWaiting)) ? AUDIT_EXIT_CODES.fixed : AUDIT_EXIT_CODES.unfixed;
  output.note('eschedule: see `eschedule audit --help` for what --fix does');
  return AUDIT_EXIT_CODES.found;
};

const isMended =
  (isWaiting: boolean) =>
  ({ mended }: AuditedFinding): boolean =>
    mended?.state === 'fixed' || (mended?.state === 'asked' && !isWaiting);

const wordsOf = (remark: AuditRemark, graceSeconds: number): string => {
  if (remark.kind === 'not-understood') return remark.error.message;
  if (remark.kind === 'young') {
    const { count } = remark;
    const what = count === 1 ? 'allocation without a request is' : 'allocations without a request are';
    return `${count} ${what} younger than ${graceSeconds} s: of boots at work, or to be judged later`;
  }
  const host = remark.hostName ?? remark.host;
  switch (remark.kind) {
    case 'agent-down': {
      const asOf = remark.asOf === null ? 'an unknown time' : formatTime(remark.asOf);
      return `the agent of host ${host} is down: what it holds is known as of ${asOf}`;
    }
    case 'not-reported':
      return `the agent of host ${host} has not reported yet what is on its host`;
    case 'left-out':
      return `the agent of host ${host} found ${remark.count} more than it reported`;
    case 'old-records':
      return `records of host ${host} are where an older version has them: its agent moves them when it is upgraded`;
  }
};
