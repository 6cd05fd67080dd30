import type { Caller } from '../../../http/caller.js';
import { badRequest, HttpError } from '../../../http/http-error.js';
import type { Servers } from '../servers.js';
import type { OwnFlavor } from '../state/server-record.js';

/** The flavor that a request about a server names. @throws HttpError 400 when there is none: here it is the request that is wrong. */
export const flavorOfRequest = ({ flavorOf }: Pick<Servers, 'flavorOf'>, id: string, caller: Caller): OwnFlavor => {
  try {
    return flavorOf(id, caller);
  } catch (err) {
    throw err instanceof HttpError && err.status === 404 ? badRequest(err.message) : err;
  }
};
