import { jitter, sleep } from '@etcd-compute/common/async/sleep';
import type { Logger } from '@etcd-compute/common/log';

export interface RepeatOptions {
  readonly everyMs: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** Runs tasks one after the other once a period, until the signal. It logs each new failure once, and its end. */
export const repeat = (tasks: readonly (() => Promise<unknown>)[], { everyMs, log, signal }: RepeatOptions): void => {
  const said = new Map<number, string>();
  const runAll = async (): Promise<void> => {
    for (const [index, task] of tasks.entries()) {
      try {
        await task();
        if (said.delete(index)) log.info('periodic check works again');
      } catch (err) {
        const message = err instanceof Error ? err.message : String(err);
        if (!signal.aborted && said.get(index) !== message)
          log.warn({ err }, 'periodic check failed, trying again next period');
        said.set(index, message);
      }
    }
  };
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      await sleep(jitter(everyMs), signal, false).catch(() => undefined);
      if (!signal.aborted) await runAll();
    }
  };
  void loop();
};
