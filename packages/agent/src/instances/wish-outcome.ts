import { resourcesOn, type BootRequest } from '@etcd-compute/common/etcd/messages/boot-request';
import {
  withOutcome,
  type Fault,
  type InstanceRecord,
  type Outcome,
} from '@etcd-compute/common/etcd/messages/instance-record';
import type { Wish } from '@etcd-compute/common/etcd/messages/wish';
import type { Write } from '@etcd-compute/common/etcd/store';
import { ACTIONS, isActionName, type ActionName } from '@etcd-compute/common/wishes/kinds';
import { NO_ADDRESSES } from './address.js';
import { bootedWrites } from './booted.js';
import type { Activation } from './apply-plan.js';
import type { RoomChange } from '../steps/release-room.js';
import { findPauseReason, isThere, observeDomain } from '../domains/domain.js';
import { toFault } from '../servers/fault.js';
import { guestStateOf } from './plan.js';
import { readReportedNics } from './reported-nics.js';
import { refreshGuest } from './refresh-guest.js';

/** Something to be done to an instance. */
export interface Task {
  readonly name: ActionName;
  readonly reason: string;
  /** Null when nobody asked for it. */
  readonly wish: Wish | null;
}

export interface Ending {
  readonly wish: Wish | null;
  readonly reason: string;
  /** Null when it was carried out. */
  readonly fault: Fault | null;
  /** What the request is from now on. Left out: what it was. */
  readonly edited?: BootRequest;
  /** Of the plan. */
  readonly leavesGuest?: boolean | undefined;
  /** What else is written in the same transaction. */
  readonly writes?: readonly Write[];
  /** As `writes`. */
  readonly room?: RoomChange | undefined;
}

/** Notes what has become of a wish and of the guest, as libvirt has it now, and edits the request in the same transaction. */
export const reportOutcome = async (
  activation: Activation,
  { wish, reason, fault, edited, leavesGuest = false, writes = [], room }: Ending,
): Promise<void> => {
  const { deps, writer, request } = activation;
  const { instance } = request;
  const connection = deps.steps.getConnection();
  const isEdited = edited !== undefined && edited !== request;
  const reported: Partial<InstanceRecord> = {
    ...(wish && withOutcome(writer.record, newOutcome(wish, fault))),
    ...(isEdited && (await recordOf(edited, activation))),
    step: null,
  };
  const edits = isEdited ? [writer.requestWrite(edited)] : [];
  if (leavesGuest && wish) {
    const changes = { ...withoutFaultOfStep(writer.record), ...reported };
    await writer.update(changes, { also: [...edits, ...writes], room });
    if (reported.nics) await lookForAddressesAnew(activation);
    return;
  }
  const { state: domain, isResponsive } = await observeDomain(connection, instance);
  const paused = domain === 'paused' ? await findPauseReason(connection, instance) : null;
  const stateWithout = edited?.shelved ? 'shelved' : writer.record.state;
  const state = isThere(domain) ? guestStateOf(domain) : stateWithout;
  deps.addresses.forget(instance);
  const changes: Partial<InstanceRecord> = {
    // Nobody waits for what nobody asked for.
    fault: wish ? null : fault,
    paused,
    ...reported,
    ...NO_ADDRESSES,
  };
  await writer.toState(
    state,
    { reason, ...changes },
    { also: [...bootedWrites(deps, instance), ...edits, ...writes], room },
  );
  if (state === 'active') await refreshGuest({ ...activation, domain, isResponsive });
};

/** What the record repeats of an edited request. */
const recordOf = async (edited: BootRequest, { deps, request }: Activation): Promise<Partial<InstanceRecord>> => ({
  image: edited.image,
  resources: resourcesOn(edited, deps.host) ?? {},
  disks: edited.disks ?? [],
  ...(edited.nics && edited.nics !== request.nics && { nics: await readReportedNics(deps.steps, edited) }),
});

/** What a step waited for is over; what is wrong with the guest itself is not. */
const withoutFaultOfStep = ({ fault }: InstanceRecord): Pick<Partial<InstanceRecord>, 'fault'> =>
  typeof fault?.step === 'string' ? { fault: null } : {};

const lookForAddressesAnew = async (activation: Activation): Promise<void> => {
  const { deps, writer } = activation;
  deps.addresses.interfacesChanged(writer.record.instance);
  if (writer.record.state === 'active') await refreshGuest(activation);
};

export const newOutcome = ({ count, kind }: Wish, fault: Fault | null): Outcome => ({
  count,
  kind,
  at: new Date().toISOString(),
  fault,
});

export interface Failure {
  readonly wish: Wish | null;
  readonly err: unknown;
  /** Null before the first step. */
  readonly step: string | null;
  readonly edited?: BootRequest;
  readonly leavesGuest?: boolean | undefined;
}

/** Notes that a wish has failed, and leaves the instance as far as it came. */
export const reportFailure = async (activation: Activation, { err, step, ...rest }: Failure): Promise<void> => {
  const fault = { ...toFault(err, step ?? 'wish'), step };
  await reportOutcome(activation, { ...rest, fault, reason: reasonOfFailure(rest.wish) });
};

export const reasonOfFailure = (wish: Wish | null): string =>
  `could not be ${wish && isActionName(wish.kind) ? ACTIONS[wish.kind].participle : 'changed'}`;
