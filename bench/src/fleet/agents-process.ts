/**
 * Many agents in one process, each on a private hypervisor of libvirt's test driver. Told what to do by the process that started it, and
 * ended with it: guests of the test driver live in this process alone, so nothing is left to be stopped in order.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import '@etcd-compute/testing/count-calls';
import { startAgent } from '@etcd-compute/agent/lifecycle/agent';
import { agentConfigSchema } from '@etcd-compute/agent/config/config';
import { createLogger } from '@etcd-compute/common/log';
import pLimit from 'p-limit';
import type { AgentToStart, AgentsCommand, AgentsMessage } from './agents-messages.js';
import { counts } from '@etcd-compute/testing/count-calls';

/** Each start is some requests to Placement, one after the other. */
const PARALLEL_STARTS = 4;

/** For us alone: had the agents it too (--expose-gc), each would collect the garbage of all once a period. */
setFlagsFromString('--expose-gc');
const collectGarbage: unknown = runInNewContext('gc');

const say = (message: AgentsMessage): void => void process.send?.(message);
const log = await createLogger({ level: 'warn', format: 'json' });
const bounded = pLimit(PARALLEL_STARTS);
const { signal } = new AbortController();

const start = async ({ config }: AgentToStart): Promise<void> => {
  try {
    const agent = await startAgent({ config: agentConfigSchema.parse(config), log, signal });
    say({ kind: 'started' });
    void agent.ended.then(({ message }) => say({ kind: 'failed', message }));
  } catch (err) {
    say({ kind: 'failed', message: err instanceof Error ? (err.stack ?? err.message) : String(err) });
  }
};

const measure = (collectsGarbage: boolean): void => {
  if (collectsGarbage && typeof collectGarbage === 'function') collectGarbage();
  say({ kind: 'measured', residentKiB: Math.round(process.memoryUsage.rss() / 1024), counts });
};

process.on('message', (command: AgentsCommand) => {
  if (command.kind === 'measure') measure(command.collectsGarbage);
  else for (const agent of command.agents) void bounded(() => start(agent));
});
process.on('disconnect', () => process.exit());
say({ kind: 'loaded' });
