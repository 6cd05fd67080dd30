import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ChildResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly durationMs: number;
}

export interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<ChildResult>;
}

/** Runs `source` as a program of its own that can import this package by name. Killed after a minute. */
export function startChild(source: string, env: Record<string, string> = {}): Child {
  const startedAt = performance.now();
  const process_ = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  let stderr = '';
  process_.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  process_.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<ChildResult>((resolve, reject) => {
    process_.on('error', reject);
    process_.on('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr, durationMs: performance.now() - startedAt }),
    );
  });
  return { process: process_, ended };
}

/** The same, to its end. */
export function runChild(source: string, env: Record<string, string> = {}): Promise<ChildResult> {
  return startChild(source, env).ended;
}
