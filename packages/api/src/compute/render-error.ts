import type { HttpError } from '../http/http-error.js';

/** What Nova calls errors. https://docs.openstack.org/api-guide/compute/faults.html */
const NAMES: Readonly<Record<number, string>> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

export const renderError = ({ status, message }: HttpError): object => ({
  [NAMES[status] ?? 'computeFault']: { code: status, message },
});
