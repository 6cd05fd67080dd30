import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { World } from '../world.js';
import { recordOf, requestOf, type Rule, type Violation } from './rule.js';

/** What the faults here, and a drain, can do to a build. Anything else is our own mistake: a domain lost, an image refused, an internal error. */
const FAULTS_OF_BUILDS: readonly string[] = [
  'ECOMPUTE_DISK_FAILED',
  'ECOMPUTE_DOMAIN_FAILED',
  'ECOMPUTE_HOST_DRAINING',
  'ECOMPUTE_IMAGE_DOWNLOAD_FAILED',
  'ECOMPUTE_IMAGE_NO_SPACE',
  'ECOMPUTE_IMAGE_TIMED_OUT',
  'ECOMPUTE_PLACEMENT_FAILED',
  'ECOMPUTE_STEP_TIMED_OUT',
];

/** Of a boot with a checksum; the image may have changed since. */
const isRefusedImage = (world: World, { instance, fault }: InstanceRecord): boolean =>
  fault?.code === 'ECOMPUTE_IMAGE_CHECKSUM_WRONG' && requestOf(world, instance)?.checksum !== undefined;

const SETTLED: readonly InstanceRecord['state'][] = ['active', 'stopped', 'suspended', 'shelved', 'error', 'deleted'];

export const recordsAreSettled: Rule = ({ world }) =>
  world.records.flatMap((record): Violation[] => {
    const { instance, state, fault } = record;
    if (!SETTLED.includes(state)) return [{ rule: 'not settled', instance, what: `the record still says ${state}` }];
    if (state !== 'error') return [];
    if (!fault) return [{ rule: 'error without a reason', instance, what: 'the record says error, and not why' }];
    if (!FAULTS_OF_BUILDS.includes(fault.code) && !isRefusedImage(world, record))
      return [{ rule: 'wrong fault', instance, what: `${fault.code}: ${fault.message}` }];
    return [];
  });

export const recordsHaveRequests: Rule = ({ world }) =>
  world.records.flatMap(({ instance, host, state }): Violation[] => {
    const request = world.requests.find((candidate) => candidate.instance === instance);
    if (state === 'deleted')
      return request ? [{ rule: 'request left', instance, what: 'it is deleted, and its request is still there' }] : [];
    if (!request) return [{ rule: 'record without request', instance, what: `it is ${state}, and nobody wishes it` }];
    if (request.host === host) return [];
    return [{ rule: 'wrong host', instance, what: `its request is on ${request.host}, its record on ${host}` }];
  });

export const requestsHaveRecords: Rule = ({ world }) =>
  world.requests
    .filter(({ instance }) => !recordOf(world, instance))
    .map(({ instance, host }) => ({ rule: 'request without record', instance, what: `on host ${host}` }));
