import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError, formatErrorChain } from '@etcd-compute/common/errors';
import type { Trouble } from '@etcd-compute/common/etcd/messages/presence';
import type { Connection } from '@etcd-compute/libvirt/connection';
import { CallTimeoutError, LibvirtError } from '@etcd-compute/libvirt/errors';
import { countHungThreads } from '@etcd-compute/libvirt/threads';
import type { AgentConfig } from '../config/config.js';
import type { Health } from '../session/health.js';
import { MAX_HUNG_CALLS } from './link.js';

export interface ProbeOptions {
  readonly config: Pick<AgentConfig, 'libvirt' | 'timeouts'>;
  /** Open connections, the one for events first; none while libvirt is away. */
  readonly getOpen: () => readonly Connection[];
  readonly health: Health;
  readonly signal: AbortSignal;
}

export interface Probe {
  /** The link was lost, or cannot be made again. @param isFirst it was up until now; most often it is up again at once. */
  readonly linkDown: (err: Error, details: { readonly isFirst: boolean }) => void;
}

const PROBE_EVERY_MS = 5_000;
/** Trouble is to be seen to end at once. */
const PROBE_IN_TROUBLE_EVERY_MS = 1_000;
/** A daemon that takes longer is of no use at the moment, though its answer may still come. */
const SLOW_AFTER_MS = 5_000;
/** One question waits so long for the one before it: calls at the same time would keep a thread each alive, for nothing else. */
const NEXT_AFTER_MS = 200;

type Found = Pick<Trouble, 'code' | 'message'> | null;

/**
 * Asks libvirt something every few seconds, on every connection that is open and at rest: so one that has died is found, and the
 * host shows when libvirt hangs.
 */
export const probeLibvirt = ({ config, getOpen, health, signal }: ProbeOptions): Probe => {
  const { uri } = config.libvirt;
  const wait = { timeoutMs: config.timeouts.libvirt * 1000 };
  let lastError: Error | undefined;
  const report = (found: Found): void => health.report('libvirt', found);
  const hangs = (message: string): Found => ({ code: 'libvirt-hangs', message });
  const away = (): Found => {
    if (lastError instanceof CallTimeoutError) return hangs(lastError.message);
    const message = lastError ? formatErrorChain(lastError) : `there is no connection to libvirt at ${uri}`;
    // It answers, and is not as it must be.
    return { code: lastError instanceof EcomputeError ? 'libvirt-unusable' : 'libvirt-away', message };
  };

  const ask = async (): Promise<Found> => {
    const open = getOpen();
    if (open.length === 0) return away();
    const hung = countHungThreads();
    if (hung >= MAX_HUNG_CALLS) return hangs(`${hung} libvirt calls hang, so no further connection is opened`);
    // What waits for its turn says nothing of libvirt.
    const idle = open.filter(({ callsInFlight }) => callsInFlight === 0);
    const shared = open.length === 1 ? open[0] : idle.find((connection) => connection !== open[0]);
    // The first is answered also when all of the daemon's threads hang; the second is not, and must not cost the link.
    const questions = [
      ...idle.map((connection) => async () => connection.getLibVersion(wait)),
      ...(shared ? [async () => shared.nodeGetCPUMap(wait)] : []),
    ];
    const asked: Promise<unknown>[] = [];
    for (const question of questions) {
      const answer = question();
      asked.push(answer);
      await Promise.race([answer, sleep(NEXT_AFTER_MS, signal)]).catch(() => undefined);
    }
    const answers = await Promise.allSettled(asked);
    const unanswered = answers.find((answer) => answer.status === 'rejected' && isUnanswered(answer.reason));
    return unanswered ? hangs(`libvirt at ${uri} does not answer`) : null;
  };

  const probe = async (): Promise<void> => {
    const asking = ask();
    const slow = sleep(SLOW_AFTER_MS, signal).then(() => 'slow' as const);
    if ((await Promise.race([asking, slow])) === 'slow') report(hangs(`libvirt at ${uri} does not answer`));
    report(await asking);
  };
  const keepProbing = async (): Promise<void> => {
    while (!signal.aborted) {
      await probe().catch(() => undefined); // the signal's end
      await sleep(health.trouble ? PROBE_IN_TROUBLE_EVERY_MS : PROBE_EVERY_MS, signal).catch(() => undefined);
    }
  };
  void keepProbing();
  return {
    linkDown: (err, { isFirst }) => {
      lastError = err;
      if (!isFirst) report(away());
    },
  };
};

/** A failure is an answer; a connection that has just been lost is found away at the next look. */
const isUnanswered = (reason: unknown): boolean =>
  reason instanceof CallTimeoutError || !(reason instanceof LibvirtError);
