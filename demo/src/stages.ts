import { performance } from 'node:perf_hooks';

/** Says on standard error what is being done and how long it took: one line each, and on a terminal what is under way too. */
export interface Stages {
  /** Runs a stage. What it returns, or throws, is shown; several may run at the same time. */
  run<T>(name: string, task: (stage: Stage) => Promise<T>): Promise<T>;
  /** A line without a time. */
  note(text: string): void;
  /** Seconds since the command was started, as text. */
  elapsed(): string;
  /** A stage that was over before this process began. */
  past(name: string, outcome: string): void;
}

export interface Stage {
  /** What to show beside the name at its end, such as `reused`. */
  outcome(text: string): void;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`.padStart(8);

/** @param startedAt when the command was started, in milliseconds since 1970. */
export const createStages = (startedAt: number): Stages => {
  const isTerminal = process.stderr.isTTY;
  const underWay = new Set<string>();
  const clearLine = isTerminal ? '\r\u001B[K' : '';
  const print = (line: string): void => {
    const pending = isTerminal && underWay.size > 0 ? `${' '.repeat(8)}  ... ${[...underWay].join(', ')}` : '';
    process.stderr.write(`${clearLine}${line === '' ? '' : `${line}\n`}${pending}`);
  };
  return {
    run: async (name, task) => {
      const begin = performance.now();
      let outcome = '';
      underWay.add(name);
      print('');
      try {
        const result = await task({ outcome: (text) => (outcome = text) });
        underWay.delete(name);
        print(`${seconds(performance.now() - begin)}  ${name.padEnd(14)}  ${outcome}`.trimEnd());
        return result;
      } catch (error) {
        underWay.delete(name);
        print(`${seconds(performance.now() - begin)}  ${name.padEnd(14)}  failed`);
        throw error;
      }
    },
    note: (text) => print(`${' '.repeat(8)}  ${text}`),
    elapsed: () => seconds(Date.now() - startedAt).trim(),
    past: (name, outcome) => print(`${seconds(Date.now() - startedAt)}  ${name.padEnd(14)}  ${outcome}`.trimEnd()),
  };
};
