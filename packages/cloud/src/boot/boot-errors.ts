import { EcomputeError } from '@etcd-compute/common/errors';
import { canMoveOn } from '@etcd-compute/common/etcd/messages/instance-record';
import { nameAndUuid } from '@etcd-compute/common/name-and-uuid';
import { explainAgent } from '../hosts/explain-agent.js';
import type { HostNames } from '../hosts/host-names.js';
import { readPresencesIfPossible, type Presences } from '../hosts/presences.js';
import type { Services } from '../services.js';
import type { BootProgress, WaitForBootOptions } from './wait-for-boot.js';

interface ErrorOptions {
  readonly hostNames: HostNames;
  readonly timeoutMs: number;
  /** The agents of the hosts on which boots took too long; undefined when they could not be read. */
  readonly presences: Presences | undefined;
}

const faultError = ({ spec, record, otherHosts }: BootProgress, hostNames: HostNames): EcomputeError => {
  const { instance } = spec;
  const { fault } = record;
  const tried = otherHosts.map(({ host, reason }) => `\n  ${hostNames(host) ?? host}: ${reason}`).join('');
  return new EcomputeError(
    'ECOMPUTE_INSTANCE_FAILED',
    `could not boot instance ${nameAndUuid(spec)}: ${fault?.message ?? 'it is in error'}${tried}`,
    {
      details: { instance, host: record.host, fault, canMoveOn: canMoveOn(record) },
      ...(fault?.hint && { hint: fault.hint }),
    },
  );
};

const goneError = ({ spec: { instance } }: BootProgress): EcomputeError =>
  new EcomputeError('ECOMPUTE_INSTANCE_FAILED', `instance ${instance} was destroyed while it was booting`, {
    details: { instance },
  });

const timeoutError = (
  boots: readonly BootProgress[],
  { timeoutMs, hostNames, presences }: ErrorOptions,
): EcomputeError => {
  const timeoutSeconds = timeoutMs / 1000;
  const uuids = boots.map(({ spec }) => spec.instance);
  const [first = ''] = uuids;
  const what = uuids.length === 1 ? `instance ${first} is` : `${uuids.length} instances are`;
  const states = boots.map(({ record, spec }) => {
    const reason = presences && explainAgent(presences.get(record.host));
    const where = `${record.state} on ${hostNames(record.host) ?? record.host}`;
    return `\n  ${spec.name ?? spec.instance}: ${where}${reason === undefined ? '' : `; ${reason}`}`;
  });
  return new EcomputeError(
    'ECOMPUTE_TIMED_OUT',
    `${what} not up after ${timeoutSeconds} s; the boot goes on${states.join('')}`,
    { details: { waitedFor: 'boot', instances: uuids, timeoutSeconds } },
  );
};

/** An error for each boot that failed, and one for all that took too long, which says what is known of their hosts. */
export const explainBoots = async (
  services: Services,
  { boots, hostNames: names, timeoutMs }: Pick<WaitForBootOptions, 'boots' | 'hostNames' | 'timeoutMs'>,
): Promise<EcomputeError[]> => {
  const late = boots.filter(({ end }) => end === 'timed-out');
  const presences = await readPresencesIfPossible(
    services,
    late.map(({ record }) => record.host),
  );
  const hostNames: HostNames = (host) => names.get(host) ?? null;
  return [
    ...boots.filter(({ end }) => end === 'failed').map((boot) => faultError(boot, hostNames)),
    ...boots.filter(({ end }) => end === 'gone').map(goneError),
    ...(late.length > 0 ? [timeoutError(late, { hostNames, timeoutMs, presences })] : []),
  ];
};
