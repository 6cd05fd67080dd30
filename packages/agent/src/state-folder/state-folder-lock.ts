import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EcomputeError } from '@etcd-compute/common/errors';
import { processIdentitySchema } from '@etcd-compute/common/etcd/messages/presence';
import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import { z } from 'zod';
import { identifyThisProcess, isRunningHere } from '../process/process-identity.js';
import { readJsonFile, replaceFile } from './replace-file.js';

const lockSchema = z.looseObject({
  version: z.literal(1),
  host: providerUuidSchema,
  process: processIdentitySchema,
});

/**
 * Keeps an agent with another uuid from using the same state folder at the same time: each would make disks and a network beside the
 * other. Two agents with the same uuid are told apart by their presence in etcd.
 *
 * @returns what gives the folder back.
 * @throws ECOMPUTE_AGENT_DUPLICATE
 */
export const lockStateFolder = async (stateDir: string, host: ProviderUuid): Promise<() => Promise<void>> => {
  const path = join(stateDir, 'agent.lock');
  const holder = await readLock(path);
  if (holder && holder.host !== host && (await isRunningHere(holder.process)))
    throw new EcomputeError(
      'ECOMPUTE_AGENT_DUPLICATE',
      `the state folder ${stateDir} is in use by another agent: pid ${holder.process.pid}, host ${holder.host}`,
      { hint: 'give this agent a state_dir of its own, or stop the other one', details: { holder } },
    );
  const own = await identifyThisProcess();
  await replaceFile(path, `${JSON.stringify({ version: 1, host, process: own })}\n`);
  return async () => {
    // An agent that was replaced leaves its successor's.
    const current = (await readLock(path))?.process;
    if (current?.pid === own.pid && current.start_ticks === own.start_ticks) await rm(path, { force: true });
  };
};

const readLock = async (path: string): Promise<z.output<typeof lockSchema> | undefined> =>
  readJsonFile(lockSchema, path);
