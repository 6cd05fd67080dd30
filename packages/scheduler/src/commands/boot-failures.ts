import { EcomputeError } from '@etcd-compute/common/errors';
import { explainAgent } from '../hosts/explain-agent.js';
import type { HostNames } from '../hosts/host-names.js';
import type { Presences } from '../hosts/presences.js';
import type { BootProgress } from '../waiting/wait-for-boot.js';
import type { CommandContext } from './context.js';

interface FailureOptions {
  readonly hostNames: HostNames;
  readonly timeoutSeconds: number;
  /** The agents of the hosts on which boots took too long. */
  readonly presences: Presences;
}

const faultError = ({ spec, record, failedHosts }: BootProgress, hostNames: HostNames): EcomputeError => {
  const { instance, name } = spec;
  const { fault } = record;
  const what = name === null ? `instance ${instance}` : `instance ${name} (${instance})`;
  const tried = [...failedHosts].map(([host, reason]) => `\n  ${hostNames(host) ?? host}: ${reason}`).join('');
  const more = `see \`eschedule show ${instance}\`; forget it with \`eschedule destroy ${instance}\``;
  return new EcomputeError(
    'ECOMPUTE_INSTANCE_FAILED',
    `could not boot ${what}: ${fault?.message ?? 'it is in error'}${tried}`,
    {
      details: { instance, host: record.host, fault },
      hint: fault?.hint ? `${fault.hint}; ${more}` : more,
    },
  );
};

const goneError = ({ spec: { instance } }: BootProgress): EcomputeError =>
  new EcomputeError('ECOMPUTE_INSTANCE_FAILED', `instance ${instance} was destroyed while it was booting`, {
    details: { instance },
  });

const timeoutError = (
  boots: readonly BootProgress[],
  { timeoutSeconds, hostNames, presences }: FailureOptions,
): EcomputeError => {
  const uuids = boots.map(({ spec }) => spec.instance);
  const [first = ''] = uuids;
  const what = uuids.length === 1 ? `instance ${first} is` : `${uuids.length} instances are`;
  const states = boots.map(({ record, spec }) => {
    const reason = explainAgent(presences.get(record.host));
    const where = `${record.state} on ${hostNames(record.host) ?? record.host}`;
    return `\n  ${spec.name ?? spec.instance}: ${where}${reason === undefined ? '' : `; ${reason}`}`;
  });
  return new EcomputeError(
    'ECOMPUTE_TIMED_OUT',
    `${what} not up after ${timeoutSeconds} s; the boot goes on${states.join('')}`,
    {
      details: { instances: uuids, timeoutSeconds },
      hint: `see \`eschedule show ${first}\`, or stop it with \`eschedule destroy ${uuids.join(' ')}\``,
    },
  );
};

/** Tells of boots that ended well but not as expected. */
const remark = ({ output }: CommandContext, { spec, record }: BootProgress): void => {
  const name = spec.name ?? spec.instance;
  if (record.state === 'stopped') output.note(`${name} has stopped already`);
  else if (record.addresses.length === 0) {
    const asked = Object.entries(record.address_sources ?? {}).map(([source, said]) => `${source}: ${said}`);
    output.note(`${name} runs, but has no address (${asked.join('; ') || 'no source was asked'})`);
  }
};

/** An error for each boot that failed, and one for all that took too long. */
export const bootFailures = (
  context: CommandContext,
  boots: readonly BootProgress[],
  options: FailureOptions,
): EcomputeError[] => {
  for (const boot of boots) if (boot.end === 'up') remark(context, boot);
  const late = boots.filter(({ end }) => end === 'timed-out');
  return [
    ...boots.filter(({ end }) => end === 'failed').map((boot) => faultError(boot, options.hostNames)),
    ...boots.filter(({ end }) => end === 'gone').map(goneError),
    ...(late.length > 0 ? [timeoutError(late, options)] : []),
  ];
};
