import type { InstanceRecord } from '@etcd-compute/common/etcd/messages/instance-record';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { refreshAddresses } from './address.js';
import type { Activation } from './apply-plan.js';
import { observePause, type Pause } from '../domains/domain.js';
import { faultOfPause, withoutPause } from '../domains/pause.js';
import { faultOfUnresponsive, withoutUnresponsive } from '../domains/unresponsive.js';

/** Brings to the record what changes by itself in a guest that is up: whether it is paused, whether it answers, and its addresses. */
export const refreshGuest = async (activation: Activation): Promise<void> => {
  await refreshState(activation);
  await refreshAddresses(activation.deps, activation.writer);
};

/** Nothing is written when nothing changed. */
const refreshState = async ({ deps, writer, domain, isResponsive, log }: Activation): Promise<void> => {
  const { record } = writer;
  const { instance } = record;
  const { lend, pool } = deps.steps;
  const observe = async (connection: Connection): Promise<Pause | null> => observePause(connection, instance);
  // A process that does not answer is not asked: why it is paused stays as it was.
  const pause = domain === 'paused' && isResponsive ? await lend('guest', observe) : null;
  const paused = isResponsive ? (pause?.reason ?? null) : record.paused;
  const lasting = withoutPause(withoutUnresponsive(record.fault));
  const fault = isResponsive
    ? (faultOfPause(pause, { instance, folder: pool.folder }) ?? lasting)
    : faultOfUnresponsive(instance);
  if (paused === record.paused && fault?.message === record.fault?.message) return;
  await writer.update({ paused, fault });
  const level = fault ? 'error' : 'info';
  log[level]({ instanceUuid: instance, paused, disks: pause?.disks, fault: fault?.code }, wordsOf({ paused, fault }));
};

const wordsOf = ({ paused, fault }: Pick<InstanceRecord, 'paused' | 'fault'>): string => {
  if (paused !== null) return 'the guest is paused';
  return fault ? 'the guest does not work' : 'the guest goes on';
};
