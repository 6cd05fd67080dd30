import { setTimeout as delay } from 'node:timers/promises';
import { withResolvers } from '@etcd-compute/common/async/deadline';
import { startEcompute, type Ecompute, type EcomputeOptions, type Exit } from '@etcd-compute/testing/ecompute';

/**
 * The agent of a host under a supervisor, as systemd is one: it is started again whenever it ends. Ends that nobody asked for
 * are kept for the report.
 */
export interface AgentSlot extends AsyncDisposable {
  readonly pid: number;
  readonly configPath: string;
  readonly logPath: string;
  readonly restarts: number;
  /** Ends with a code that no fault explains. */
  readonly surprises: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /**
   * Freezes the process and starts another one in its place; the returned function wakes the first. One of the two has to leave.
   * @returns undefined when that is going on already.
   */
  replace(): Promise<(() => Promise<void>) | undefined>;
}

const RESTART_DELAY_MS = 100;
const OUR_SIGNALS: readonly NodeJS.Signals[] = ['SIGKILL', 'SIGTERM'];
/** Far more than the lease of the presence and the deadline of a shutdown. */
const LEAVE_TIMEOUT_MS = 40_000;

export const startAgentSlot = async (options: EcomputeOptions): Promise<AgentSlot> => {
  let current = await startEcompute(options);
  let isStopping = false;
  let replacing: Promise<unknown> | undefined;
  let restarts = 0;
  const surprises: string[] = [];

  const note = ({ code, signal }: Exit, isExplained: boolean): void => {
    if (code !== null && code !== 0 && !isExplained) surprises.push(`ecompute ended by itself with exit code ${code}`);
    if (signal !== null && !OUR_SIGNALS.includes(signal)) surprises.push(`ecompute crashed with ${signal}`);
  };
  const supervise = async (): Promise<void> => {
    for (;;) {
      const watched: Ecompute = current;
      const exit = await watched.exit();
      if (isStopping) return;
      // Which of the two goes on is decided there; starting a third would confuse both.
      const isExplained = replacing !== undefined;
      await replacing;
      note(exit, isExplained);
      if (current !== watched) continue;
      await delay(RESTART_DELAY_MS);
      if (isStopping) return;
      if (current !== watched) continue;
      restarts += 1;
      await watched.restart('running');
    }
  };
  const supervised = supervise();

  const replace: AgentSlot['replace'] = async () => {
    if (replacing) return undefined;
    const { promise, resolve } = withResolvers<void>();
    replacing = promise;
    const first = current;
    first.kill('SIGSTOP');
    const second = await startEcompute({ ...options, until: 'running' });
    return async () => {
      first.kill('SIGCONT');
      const left = await Promise.race([
        first.exit().then(() => first),
        second.exit().then(() => second),
        delay(LEAVE_TIMEOUT_MS).then(() => undefined),
      ]);
      if (!left) surprises.push('two agents of one uuid go on beside each other');
      current = left === first ? second : first;
      if (!left) await second.stop();
      replacing = undefined;
      resolve();
    };
  };

  return {
    get pid() {
      return current.pid;
    },
    configPath: current.configPath,
    logPath: current.logPath,
    get restarts() {
      return restarts;
    },
    surprises,
    kill: (signal) => current.kill(signal),
    replace,
    [Symbol.asyncDispose]: async () => {
      isStopping = true;
      // More than once: the supervisor may be about to start it again.
      for (let hasEnded = false; !hasEnded;) {
        await current.stop();
        hasEnded = await Promise.race([supervised.then(() => true), delay(RESTART_DELAY_MS).then(() => false)]);
      }
    },
  };
};
