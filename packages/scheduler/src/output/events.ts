import { WISH_KINDS } from '@etcd-compute/common/wishes/kinds';
import type { CloudEvent } from '@etcd-compute/cloud';
import { describeDownload } from '@etcd-compute/cloud/instances/downloads';
import { formatErrorChain } from '@etcd-compute/common/errors';
import { formatTime } from '@etcd-compute/common/format-time';
import { nameAndUuid } from '@etcd-compute/common/name-and-uuid';
import type { Output } from './output.js';
import { renderTransfer } from './transfer.js';

type Booting = Extract<CloudEvent, { type: 'booting' | 'downloading' }>;

const describeBooting = ({ name, instance, host, hostName, state, step }: Booting): string =>
  `${name ?? instance}: ${state} on ${hostName ?? host}${step === null ? '' : `: ${step}`}`;

/** Tells what a cloud does, in words: progress to a terminal, and remarks that matter afterwards wherever they go. */
export const createEventPrinter =
  ({ note, progress }: Pick<Output, 'note' | 'progress'>) =>
  (event: CloudEvent): void => {
    switch (event.type) {
      case 'booting':
        return progress(describeBooting(event));
      case 'downloading': {
        const transfer = renderTransfer(describeDownload(event.download), event.download);
        return progress(`${describeBooting(event)} ${transfer}`, { isPassing: true });
      }
      case 'unshelving': {
        const { name, instance, hostName, host } = event;
        return progress(`${name ?? instance}: goes to ${hostName ?? host}`);
      }
      case 'moved-on': {
        const { name, instance, reason, hostName, host } = event;
        return progress(`${name ?? instance}: ${reason}; moved on to ${hostName ?? host}`);
      }
      case 'not-moved-on':
        return note(`eschedule: could not move instance ${event.instance} on: ${formatErrorChain(event.error)}`);
      case 'destroy-asked': {
        const { host, isHostDown } = event;
        progress(`destroying ${nameAndUuid(event)}`);
        if (isHostDown)
          note(
            `${nameAndUuid(event)} will be destroyed when the agent of its host ${host} is back: that host is down (--force does not wait for it)`,
          );
        return undefined;
      }
      case 'already-deleted':
        return note(`${nameAndUuid(event)} is already deleted`);
      case 'given-up':
        return note(
          `${nameAndUuid(event)} is given up, because its host ${event.host} is down: its room there is free for others, and its guest may run on and its domain and disk stay until the agent of the host is back and removes them`,
        );
      case 'not-given-up':
        return note(`${nameAndUuid(event)} is destroyed by the agent of its host ${event.host}, which is back`);
      case 'destroying':
        return progress(`${event.left} left`);
      case 'asked': {
        const { instance, kind, host, isHostDown } = event;
        const { participle } = WISH_KINDS[kind];
        return isHostDown
          ? note(`${instance} will be ${participle} when the agent of its host ${host} is back`)
          : undefined;
      }
      case 'changing':
        return progress(`${event.instance}: ${event.step} since ${formatTime(event.since)}`, { isPassing: true });
      case 'console-retried':
        return note(`eschedule: ${formatErrorChain(event.error)}; trying again`);
      case 'console-gap':
        return note('eschedule: what comes now does not follow: the log was begun anew, or has gone on without us');
      case 'console-ended':
        return note(`eschedule: instance ${event.instance} has been deleted`);
      case 'drain-asked':
        return event.isHostDown
          ? note(`eschedule: host ${event.hostName} is down; its agent heeds the drain when it is back`)
          : undefined;
      case 'undrain-asked':
        return event.isHostDown
          ? note(`eschedule: host ${event.hostName} is down; it takes new instances when its agent is back`)
          : undefined;
      case 'refused':
      case 'placed':
      case 'image-asked':
        return undefined;
    }
  };
