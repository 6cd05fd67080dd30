import { setTimeout as delay } from 'node:timers/promises';
import type { Eapi } from '../api/eapis.js';
import type { FaultContext, Inject } from './inject.js';
import { pauseService } from './processes.js';

/** The servers of OpenStack's APIs. */

const eapiOf = ({ stage, target }: FaultContext): Eapi => {
  const eapi = stage.eapis[target];
  if (!eapi) throw new Error(`there is no eapi ${target}`);
  return eapi;
};

export const TO_EAPI = (context: FaultContext) => [eapiOf(context).front];

export const killEapi: Inject = async (context) => {
  const eapi = eapiOf(context);
  await eapi.service.kill('SIGKILL');
  return async () => startAgain(context, eapi);
};
export const stopEapi: Inject = async (context) => {
  const eapi = eapiOf(context);
  // It ends what it is doing first, which may take longer than the fault.
  await eapi.service.stop();
  return async () => startAgain(context, eapi);
};
export const pauseEapi: Inject = async (context) => pauseService(eapiOf(context).service);

const ATTEMPTS = 5;
const AGAIN_MS = 500;

/** As a supervisor does; whatever else is broken, it must wait for it and not end. */
const startAgain = async ({ keeper }: FaultContext, { index, service, surprises }: Eapi): Promise<void> => {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1)
    try {
      await keeper.ensureUp(service);
      return;
    } catch (err) {
      surprises.push(`eapi ${index} did not start: ${String(err)}`);
      await delay(AGAIN_MS);
    }
};
