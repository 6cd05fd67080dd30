import { STATUS_CODES } from 'node:http';
import type { HttpError } from '../http/http-error.js';

/** As Keystone's clients expect it. */
export const renderError = ({ status, message }: HttpError): object => ({
  error: { code: status, message, title: STATUS_CODES[status] ?? 'Error' },
});
