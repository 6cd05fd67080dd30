/**
 * Compares FFI libraries for libvirt: 40,000 times create + destroy + free on test:///default from one worker thread,
 * with libvirt's event loop and a lifecycle callback in another.
 *
 *   node bench/dist/ffi-soak.js [--pairs 40000] [--rounds 3] [--node /path/to/node]...
 *
 * ffi-napi is no dependency: it is installed, and compiled, into a temporary folder for the run.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { SoakResult } from './ffi-soak-run.js';

const FFI_NAPI = '@2060.io/ffi-napi@4.0.9';

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '40000' },
    rounds: { type: 'string', default: '3' },
    node: { type: 'string', multiple: true, default: [process.execPath] },
  },
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(command: string, args: readonly string[], options: { cwd?: string; path?: string } = {}): Promise<Ended> {
  const env = { ...process.env, PATH: options.path ?? process.env['PATH'] };
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { cwd: options.cwd, env, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr }),
    );
  });
}

const print = (line: string): void => void process.stdout.write(`${line}\n`);
const lastLines = (text: string): string => text.trim().split('\n').slice(-3).join(' | ');

/** Installs ffi-napi for this Node; undefined, after saying why, when it cannot be. */
async function installFfiNapi(node: string): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'ffi-soak-'));
  await writeFile(join(directory, 'package.json'), '{ "private": true }');
  const path = `${dirname(node)}:${process.env['PATH'] ?? ''}`;
  const installed = await run('npm', ['install', FFI_NAPI, '--no-audit', '--no-fund'], { cwd: directory, path });
  const loaded = await run(node, ['-e', "require('@2060.io/ffi-napi')"], { cwd: directory });
  if (installed.code === 0 && loaded.code === 0) return directory;
  print(`${FFI_NAPI} cannot be installed or loaded here: ${lastLines(installed.stderr + loaded.stderr)}`);
  await rm(directory, { recursive: true, force: true });
  return undefined;
}

/** One run; undefined, after saying why, when it gave no result. */
async function soak(node: string, ffi: string, directory: string): Promise<SoakResult | undefined> {
  const file = fileURLToPath(new URL('ffi-soak-run.js', import.meta.url));
  const args = [file, '--ffi', ffi, '--pairs', values.pairs, '--directory', directory];
  const ended = await run(node, args);
  const how = ended.signal === null ? `exit code ${ended.code}` : `ended by ${ended.signal}`;
  if (ended.stdout === '') {
    print(`  ${ffi}: no result, ${how}: ${lastLines(ended.stderr)}`);
    return undefined;
  }
  const result: SoakResult = JSON.parse(ended.stdout);
  const time = result.microsecondsPerPair.toFixed(0).padStart(4);
  print(`  ${ffi.padEnd(8)} ${time} us a pair, peak ${result.peakMiB.toFixed(0)} MiB, ${result.events} events, ${how}`);
  return result;
}

/** The best round counts: other work on the machine can only add time. */
function summarize(ffi: string, results: readonly SoakResult[]): void {
  if (results.length === 0) return;
  const best = Math.min(...results.map(({ microsecondsPerPair }) => microsecondsPerPair));
  const peak = Math.max(...results.map(({ peakMiB }) => peakMiB));
  print(`${ffi.padEnd(8)} best ${best.toFixed(0)} us a pair, highest peak ${peak.toFixed(0)} MiB`);
}

for (const node of values.node) {
  const version = (await run(node, ['--version'])).stdout.trim();
  print(`Node ${version}, ${values.pairs} pairs:`);
  const directory = await installFfiNapi(node);
  const results: Record<string, SoakResult[]> = {};
  try {
    for (let round = 0; round < Number(values.rounds); round += 1) {
      for (const ffi of directory === undefined ? ['koffi', 'binding'] : ['koffi', 'ffi-napi', 'binding']) {
        const result = await soak(node, ffi, directory ?? '.');
        if (result !== undefined) (results[ffi] ??= []).push(result);
      }
    }
  } finally {
    if (directory !== undefined) await rm(directory, { recursive: true, force: true });
  }
  for (const [ffi, all] of Object.entries(results)) summarize(ffi, all);
}
