import { parseArgs } from 'node:util';
import { renderResult } from './report.js';
import type { ChaosOptions } from './result.js';
import { runChaos } from './run.js';

/** `npm run chaos -- [--rounds N] [--seed S] [--agents N] [--check-every N] [--guests] [--[no-]roles] [--no-disasters] [--placement service|etcd] [--eapis 0|1|2]` */

const readWhole = (name: string, text: string): number => {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text} is not usable: expected a whole number above 0`);
};

const MOST_EAPIS = 2;

/** By default the seed says whether there is one, or two. */
const readEapis = (text: string | undefined, { seed, hasGuests }: { seed: number; hasGuests: boolean }): number => {
  const byDefault = hasGuests ? 0 : 1 + (Math.floor(seed / 2) % MOST_EAPIS);
  const value = text === undefined ? byDefault : Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > MOST_EAPIS)
    throw new Error(`--eapis ${text} is not usable: expected 0, 1 or ${MOST_EAPIS}`);
  if (value > 0 && hasGuests) throw new Error('--eapis is for the test driver: with --guests, there is no eapi yet');
  return value;
};

const readOptions = (signal: AbortSignal): ChaosOptions => {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      rounds: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      agents: { type: 'string', default: '3' },
      'check-every': { type: 'string', default: '10' },
      guests: { type: 'boolean', default: false },
      roles: { type: 'boolean' },
      disasters: { type: 'boolean', default: true },
      placement: { type: 'string', default: 'service' },
      eapis: { type: 'string' },
    },
  });
  const seed = readWhole('seed', values.seed);
  const { placement } = values;
  if (placement !== 'service' && placement !== 'etcd')
    throw new Error(`--placement ${placement} is not usable: expected service or etcd`);
  return {
    rounds: readWhole('rounds', values.rounds),
    seed,
    agents: readWhole('agents', values.agents),
    checkEvery: readWhole('check-every', values['check-every']),
    hasGuests: values.guests,
    hasRoles: values.roles ?? seed % 2 === 0,
    hasDisasters: values.disasters,
    placement,
    eapis: readEapis(values.eapis, { seed, hasGuests: values.guests }),
    signal,
    onProgress: (text) => process.stderr.write(`${text}\n`),
  };
};

const main = async (): Promise<number> => {
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      process.stderr.write(`${signal}: cleaning up\n`);
      interrupted.abort();
    });
  const options = readOptions(interrupted.signal);
  process.stderr.write(`seed ${options.seed}\n`);
  try {
    const result = await runChaos(options);
    process.stdout.write(renderResult(options, result));
    return result.violations.length === 0 ? 0 : 1;
  } catch (err) {
    if (interrupted.signal.aborted) return 130;
    throw err;
  }
};

// All that was started has ended by now; a socket that a fault has left half open must not keep the program.
process.exit(await main());
