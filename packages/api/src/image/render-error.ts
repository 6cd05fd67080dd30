import { STATUS_CODES } from 'node:http';
import type { HttpError } from '../http/http-error.js';

/** As Glance's clients expect it. */
export const renderError = ({ status, message }: HttpError): object => {
  const title = STATUS_CODES[status] ?? 'Error';
  return { message, code: `${status} ${title}`, title };
};
