import { Ajv, type ValidateFunction } from 'ajv';
import type { JsonSchema } from '../route.js';
import { explainErrors } from './explain-error.js';

/** @returns what is wrong; undefined when nothing is. */
export type Validate = (document: unknown) => string | undefined;

/** Compiles schemas when they are first asked for, and each once. */
export const createValidator = (): ((schema: JsonSchema) => Validate) => {
  const ajv = new Ajv({
    allErrors: true,
    // The explanation quotes the document and the schema.
    verbose: true,
    strict: false,
    validateSchema: false,
    meta: false,
    formats: { uuid: isUuidLike },
  });
  const compiled = new WeakMap<JsonSchema, ValidateFunction>();
  return (schema) => {
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    return (document) => (validate(document) ? undefined : explainErrors(validate.errors ?? []));
  };
};

/** As OpenStack takes them: 32 hexadecimal digits, whatever hyphens and braces there are. */
export const isUuidLike = (text: string): boolean =>
  /^[0-9a-f]{32}$/i.test(
    text
      .replaceAll('urn:', '')
      .replaceAll('uuid:', '')
      .replace(/^[{}]+/, '')
      .replace(/[{}]+$/, '')
      .replaceAll('-', ''),
  );
