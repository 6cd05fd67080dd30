import { spawn } from 'node:child_process';
import { Readable } from 'node:stream';
import { text as readText } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { CallReport } from './report-calls.js';

/** One `eschedule`, from its start to its end. */
export interface Run {
  readonly seconds: number;
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly calls: CallReport;
}

// By path: what is measured is the program as it is started.
const PROGRAM = fileURLToPath(new URL('../../../packages/scheduler/bin/eschedule.cjs', import.meta.url));
const HOOK = new URL('report-calls.js', import.meta.url).href;
const TIMEOUT_MS = 1_800_000;

/** @throws the signal's reason; when it does not end in half an hour. What it ends with is for the caller to judge. */
export const runEschedule = async (argv: readonly string[], signal: AbortSignal): Promise<Run> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--import', HOOK, PROGRAM, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    signal,
    timeout: TIMEOUT_MS,
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const read = async (stream: unknown): Promise<string> => (stream instanceof Readable ? readText(stream) : '');
  const [code, stdout, stderr, report] = await Promise.all([
    ended,
    read(child.stdout),
    read(child.stderr),
    read(child.stdio[3]),
  ]);
  signal.throwIfAborted();
  if (report === '') throw new Error(`eschedule ${argv.slice(0, 3).join(' ')} did not end by itself: ${stderr}`);
  // Written by `report-calls.ts` and by nothing else.
  const calls: CallReport = JSON.parse(report);
  return { seconds: (performance.now() - startedAt) / 1000, code, stdout, stderr, calls };
};
