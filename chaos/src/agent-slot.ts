import { setTimeout as delay } from 'node:timers/promises';
import { startEcompute, type Ecompute, type EcomputeOptions, type Exit } from '@etcd-compute/testing/ecompute';

/**
 * The agent of a host under a supervisor, as systemd is one: it is started again whenever it ends. Ends that nobody asked for
 * are kept for the report.
 */
export interface AgentSlot extends AsyncDisposable {
  readonly pid: number;
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
/** Far more than the lease of the presence and the deadline of a shutdown. */
const LEAVE_TIMEOUT_MS = 40_000;

export const startAgentSlot = async (options: EcomputeOptions): Promise<AgentSlot> => {
  let current = await startEcompute(options);
  let isStopping = false;
  let isReplacing = false;
  let restarts = 0;
  const surprises: string[] = [];

  const note = ({ code }: Exit, isExplained: boolean): void => {
    if (code !== null && code !== 0 && !isExplained) surprises.push(`ecompute ended by itself with exit code ${code}`);
  };
  const supervise = async (): Promise<void> => {
    for (;;) {
      const watched: Ecompute = current;
      const exit = await watched.exit();
      if (isStopping) return;
      if (current !== watched) continue;
      note(exit, isReplacing);
      await delay(RESTART_DELAY_MS);
      if (isStopping) return;
      if (current !== watched) continue;
      restarts += 1;
      await watched.restart('running');
    }
  };
  const supervised = supervise();

  const replace: AgentSlot['replace'] = async () => {
    if (isReplacing) return undefined;
    isReplacing = true;
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
      if (current === first && left !== second) await second.stop();
      isReplacing = false;
    };
  };

  return {
    get pid() {
      return current.pid;
    },
    logPath: current.logPath,
    get restarts() {
      return restarts;
    },
    surprises,
    kill: (signal) => current.kill(signal),
    replace,
    [Symbol.asyncDispose]: async () => {
      isStopping = true;
      await current.stop();
      await supervised;
    },
  };
};
