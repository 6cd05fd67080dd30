import type { Violation } from '../invariants/rule.js';
import type { Stage } from '../stage.js';
import { ask } from './client.js';
import { logIn } from './tenant.js';
import type { PlayRequest } from './requests.js';

/** Any request that needs a token. */
const QUESTION = 'GET /compute/v2.1/limits';

/** One of its own is issued, used, and revoked. From then on, whoever answers refuses it. */
export const revokeToken: PlayRequest = async ({ stage, request, eapi, tenant, ledger }) => {
  const { eapis } = stage;
  const token = await logIn(eapi, tenant.user);
  if (token === undefined) return undefined;
  const other = eapis[request.draw % eapis.length] ?? eapi;
  await ask(other, QUESTION, { token });
  const answer = await ask(eapi, 'DELETE /identity/v3/auth/tokens', { token, subject: token });
  if (answer?.status === 204) {
    ledger.revoked.add(token);
    ledger.found.push(...(await findAccepted(stage, [token])));
  }
  return answer;
};

/** Tokens that an eapi takes although they were revoked. */
export const findAccepted = async ({ eapis }: Pick<Stage, 'eapis'>, tokens: Iterable<string>): Promise<Violation[]> => {
  const found: Violation[] = [];
  for (const token of tokens)
    for (const eapi of eapis) {
      const answer = await ask(eapi, QUESTION, { token });
      if (answer && answer.status < 300)
        found.push({ rule: 'revoked token accepted', what: `eapi ${eapi.index} answered ${answer.status}` });
    }
  return found;
};
