import type { Connection } from '@etcd-compute/libvirt/connection';
import { refreshAddresses } from './address.js';
import type { InHand } from './carry-out.js';
import { observePause, type Pause } from './domain.js';
import { faultOfPause, withoutPause } from './pause.js';

/** Brings to the record what changes by itself in a guest that is up: whether it is paused, and its addresses. */
export const refreshGuest = async (inHand: InHand): Promise<void> => {
  await refreshPause(inHand);
  await refreshAddresses(inHand.deps, inHand.writer);
};

/** Nothing is written when nothing changed. */
const refreshPause = async ({ deps, writer, domain, log }: InHand): Promise<void> => {
  const { record } = writer;
  const { instance } = record;
  if (domain !== 'paused' && record.paused === null) return;
  const observe = async (connection: Connection): Promise<Pause | null> => observePause(connection, instance);
  const pause = domain === 'paused' ? await deps.steps.lend('guest', observe) : null;
  const paused = pause?.reason ?? null;
  const fault = faultOfPause(pause, { instance, folder: deps.steps.pool.folder }) ?? withoutPause(record.fault);
  if (paused === record.paused && fault?.message === record.fault?.message) return;
  await writer.update({ paused, fault });
  if (paused === null) log.info({ instanceUuid: instance }, 'the guest goes on');
  else
    log[fault ? 'error' : 'info'](
      { instanceUuid: instance, reason: paused, disks: pause?.disks },
      'the guest is paused',
    );
};
