import { HttpError } from '../http/http-error.js';

/** A refusal with the name that Neutron's clients know it by. */
export class NetworkError extends HttpError {
  readonly type: string;

  constructor(status: number, type: string, message: string) {
    super(status, message);
    this.type = type;
  }
}

/** @param what as in `Network`; its type is `NetworkNotFound`. */
export const missing = (what: string, id: string): NetworkError =>
  new NetworkError(404, `${what.replaceAll(/[^A-Za-z]/g, '')}NotFound`, `${what} ${id} could not be found.`);

/** There is no such thing here yet. */
export const notHere = (sentence: string): NetworkError => new NetworkError(501, 'HTTPNotImplemented', sentence);

/** As Neutron's clients expect it; who is not known is told so in Keystone's words. */
export const renderError = (error: HttpError): object => {
  const { status, message } = error;
  if (status === 401) return { error: { code: 401, title: 'Unauthorized', message } };
  const type = error instanceof NetworkError ? error.type : (TYPES[status] ?? 'HTTPInternalServerError');
  return { NeutronError: { type, message, detail: '' } };
};

const TYPES: Readonly<Record<number, string>> = {
  400: 'HTTPBadRequest',
  403: 'PolicyNotAuthorized',
  404: 'HTTPNotFound',
  409: 'HTTPConflict',
  413: 'HTTPRequestEntityTooLarge',
  501: 'HTTPNotImplemented',
  503: 'HTTPServiceUnavailable',
};
