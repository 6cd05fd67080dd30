import { sleep } from '@etcd-compute/common/async/sleep';
import { EcomputeError } from '@etcd-compute/common/errors';
import type { Logger } from '@etcd-compute/common/log';
import { startAgent, type Agent } from './agent.js';
import type { AgentConfig } from '../config/config.js';
import { isEtcdChanged } from '../known-servers/etcd-judge.js';

export interface RunOptions {
  readonly config: AgentConfig;
  readonly log: Logger;
  /** Ends a start that waits. */
  readonly signal: AbortSignal;
  /** Resolves with the name of the signal that asks to stop. */
  readonly stopped: Promise<string>;
}

/** Etcds that take turns behind one address would make it start over and over. */
const PAUSE_MS = 1000;

/**
 * Runs an agent until it is asked to stop. When it meets another etcd, it starts anew: a start waits until the etcd is the right one, or a
 * person has accepted it.
 *
 * @throws EcomputeError when it was replaced, or a person must act first.
 */
export const runAgent = async (options: RunOptions): Promise<void> => {
  for (;;) {
    try {
      await runOnce(options);
      return;
    } catch (err) {
      if (!isEtcdChanged(err)) throw err;
      options.log.error({ err }, 'etcd is another one, waiting for the right one; guests keep running');
    }
    await sleep(PAUSE_MS, options.signal);
  }
};

const runOnce = async ({ config, log, signal, stopped }: RunOptions): Promise<void> => {
  const agent: Agent = await startAgent({ config, log, signal });
  const reason = await Promise.race([stopped, agent.ended]);
  if (!(reason instanceof EcomputeError)) log.info({ signal: reason }, 'asked to stop');
  else if (!isEtcdChanged(reason)) log.fatal({ err: reason }, 'replaced by another agent; guests keep running');
  await agent.stop();
  if (reason instanceof EcomputeError) throw reason;
};
