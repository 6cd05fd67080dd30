import type { z } from 'zod';
import { badRequest } from './http-error.js';

/** @throws HttpError 400 that names each part that is wrong, and never quotes it: it may be a secret. */
export const readBody = (text: unknown, schema: z.ZodType): unknown => {
  const parsed = schema.safeParse(parse(typeof text === 'string' ? text : ''));
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || 'the body'}: ${message}`,
  );
  throw badRequest(`The request is not valid: ${problems.join('; ')}`);
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('The body of the request is not JSON.');
  }
};
