import type { Play } from '../play-round.js';
import { countRequest } from '../tally.js';
import type { Answer } from './client.js';
import { ask, type Asked } from './client.js';
import type { Eapi } from './eapis.js';
import type { ApiRequest } from './plan-requests.js';
import { PLAY, type Asking } from './requests.js';
import { specOfRequest } from './request-kinds.js';
import { logIn, type Login } from './tenant.js';
import { actOnServer } from './server-requests.js';

/** Asks an eapi for something, and writes down what it answered. */
export const playRequest = async (play: Play, request: ApiRequest): Promise<void> => {
  const { stage, tally, diary, api } = play;
  const eapi = stage.eapis[request.eapi];
  if (!eapi || !api) throw new Error(`there is no eapi ${request.eapi}`);
  const what = `${request.kind} ${request.name} by eapi ${request.eapi}`;
  diary.note(`${what}: begins`);
  const startedAt = Date.now();
  const asking: Asking = {
    stage,
    request,
    eapi,
    tenant: api.tenant,
    ledger: api.ledger,
    as: (login) => async (text, asked) => askAs(eapi, login, { text, asked }),
  };
  let answer: Answer | undefined;
  let isMissed = false;
  try {
    const run = PLAY[request.kind] ?? actOnServer(specOfRequest(request.kind));
    const outcome = await run(asking);
    if (outcome === 'nothing there') isMissed = true;
    else answer = outcome;
  } catch (err) {
    if (!(err instanceof DOMException && err.name === 'TimeoutError')) throw err;
    api.ledger.found.push({ rule: 'eapi hangs', what: `${what}: no answer came` });
  }
  countRequest(tally, request.kind, isMissed ? 'nothing there' : answer?.status);
  if (answer?.status === 500)
    api.ledger.found.push({ rule: 'unexpected error', what: `${what}: ${JSON.stringify(answer.body)}` });
  const told = answer && answer.status >= 300 ? ` ${JSON.stringify(answer.body)}` : '';
  const end = isMissed ? 'nothing is there' : `${answer?.status ?? 'no answer'} after ${Date.now() - startedAt} ms`;
  diary.note(`${what}: ${end}${told}`);
};

/** Gets another token when the last one is refused: it has expired, or etcd has forgotten it. */
const askAs = async (
  eapi: Eapi,
  login: Login,
  { text, asked }: { text: string; asked: Asked | undefined },
): Promise<Answer | undefined> => {
  const answer = await ask(eapi, text, { ...asked, token: login.token });
  if (answer?.status !== 401) return answer;
  const token = await logIn(eapi, login);
  if (token === undefined) return undefined;
  login.token = token;
  return ask(eapi, text, { ...asked, token });
};
