import { sleep } from '@etcd-compute/common/async/sleep';
import type { Logger } from '@etcd-compute/common/log';
import type { InstanceUuid } from '@etcd-compute/common/ids';
import type { CallWait, Connection } from '@etcd-compute/libvirt/connection';
import type { Lend } from '../libvirt/link.js';
import { askAgentToPowerOff, findDomain, isResponsive, pressPowerButton } from '../domains/domain.js';
import type { Step } from './step.js';

/** A guest that is still booting does not hear the first press of its power button. */
const PRESS_EVERY_MS = 10_000;
/** Some guests go down at once; for the others, a hypervisor is not to be asked too often. */
const LOOK_AFTER_MS = { first: 20, last: 250 };
/** libvirt gives a guest's agent a minute to shut down. */
const AGENT_TIMEOUT_MS = 75_000;

/**
 * Presses the guest's power button and, when it does not go down, asks its agent too. Waits for it to go down, for a while: what comes
 * next pulls the plug.
 */
export const shutDownGuest: Step = {
  name: 'shut-down-guest',
  kind: 'waiting',
  timeoutSeconds: ({ timeouts }) => timeouts.guest_shutdown + timeouts.domain,
  run: async ({ getConnection, lend, config: { timeouts } }, { spec: { instance }, log, signal }) => {
    await using domain = await findDomain(getConnection(), instance, { signal });
    if (!domain) return;
    const button = createQuestion({ lend, log, instance, ask: pressPowerButton, timeoutMs: timeouts.libvirt * 1000 });
    const agent = createQuestion({ lend, log, instance, ask: askAgentToPowerOff, timeoutMs: AGENT_TIMEOUT_MS });
    const startedAt = Date.now();
    const waitedMs = (): number => Date.now() - startedAt;
    let pressedAt = Number.NEGATIVE_INFINITY;
    let lookAfterMs = LOOK_AFTER_MS.first;
    while ((await domain.isActive({ signal })) && waitedMs() < timeouts.guest_shutdown * 1000) {
      if (Date.now() - pressedAt >= PRESS_EVERY_MS) {
        const isFirst = pressedAt === Number.NEGATIVE_INFINITY;
        pressedAt = Date.now();
        // libvirt would let the next question wait for the one that is not answered.
        if (await isResponsive(domain)) button.ask();
        if (!isFirst) agent.ask();
      }
      await sleep(lookAfterMs, signal);
      lookAfterMs = Math.min(lookAfterMs * 2, LOOK_AFTER_MS.last);
    }
  },
};

interface QuestionOptions {
  readonly lend: Lend;
  readonly log: Logger;
  readonly instance: InstanceUuid;
  readonly ask: (connection: Connection, instance: InstanceUuid, wait: CallWait) => Promise<void>;
  readonly timeoutMs: number;
}

/** Asks in the background, one time after the other: whether the guest goes down is seen, and one that cannot be asked loses its plug. */
const createQuestion = ({ lend, log, instance, ask, timeoutMs }: QuestionOptions): { ask: () => void } => {
  let isAsking = false;
  return {
    ask: () => {
      if (isAsking) return;
      isAsking = true;
      void lend('guest', async (connection) => ask(connection, instance, { timeoutMs }))
        .catch((err: unknown) => log.debug({ err, instanceUuid: instance }, 'guest not asked to power off'))
        .finally(() => {
          isAsking = false;
        });
    },
  };
};
