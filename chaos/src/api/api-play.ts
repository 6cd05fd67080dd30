import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Violation } from '../invariants/rule.js';
import type { ApiPlay, Play } from '../play-round.js';
import type { Stage } from '../stage.js';
import { createApiLedger } from './api-ledger.js';
import { ask, type Answer } from './client.js';
import type { Eapi } from './eapis.js';
import { logIn, makeTenant, type Tenant } from './tenant.js';
import { findAccepted } from './token-requests.js';

/** @returns undefined where there is no eapi. */
export const openApiPlay = async ({ eapis }: Stage): Promise<ApiPlay | undefined> => {
  const [first] = eapis;
  return first && { tenant: await makeTenant(first), ledger: createApiLedger(), running: new Set() };
};

const LIFE_MS = 60_000;
const LOOK_EVERY_MS = 200;

/** What is asked of every eapi when all has settled: what was revoked stays so, and with no fault about, a server lives by each of them. */
export const checkApi = async (
  { stage, diary }: Pick<Play, 'stage' | 'diary'>,
  { tenant, ledger }: ApiPlay,
): Promise<Violation[]> => {
  const found = await findAccepted(stage, ledger.revoked);
  for (const eapi of stage.eapis) {
    if (found.length > 0) return found;
    diary.note(`a server lives by eapi ${eapi.index}`);
    try {
      await live(eapi, tenant);
    } catch (err) {
      found.push({ rule: 'no life', what: `by eapi ${eapi.index}: ${String(err)}` });
    }
  }
  return found;
};

const serverSchema = z.looseObject({ server: z.looseObject({ id: z.string(), status: z.string().optional() }) });

/** In the admin's project, which has no other servers. @throws Error when something is not as it should be. */
const live = async (eapi: Eapi, { admin, image, flavors }: Tenant): Promise<void> => {
  const token = await logIn(eapi, admin);
  const asAdmin = async (request: string, body?: object): Promise<Answer> => {
    const answer = await ask(eapi, request, { token, ...(body && { body }) });
    if (!answer || answer.status >= 500) throw new Error(`${request}: ${answer?.status ?? 'no answer'}`);
    return answer;
  };
  const server = { name: 'life', imageRef: image, flavorRef: flavors[0], networks: 'auto' };
  const created = await asAdmin('POST /compute/v2.1/servers', { server });
  const path = `/compute/v2.1/servers/${serverSchema.parse(created.body).server.id}`;
  const become = async (status: string | undefined): Promise<void> => {
    let last: string | undefined = '';
    for (const until = Date.now() + LIFE_MS; Date.now() < until; await delay(LOOK_EVERY_MS)) {
      const answer = await asAdmin(`GET ${path}`);
      last = answer.status === 404 ? undefined : serverSchema.parse(answer.body).server.status;
      if (last === status) return;
    }
    throw new Error(`the server is ${last}, and was to be ${status ?? 'gone'}`);
  };
  await become('ACTIVE');
  await asAdmin(`POST ${path}/action`, { 'os-stop': null });
  await become('SHUTOFF');
  await asAdmin(`DELETE ${path}`);
  await become(undefined);
};
