import type { JsonSchema } from '../route.js';

export const UUID: JsonSchema = { type: 'string', format: 'uuid' };

/** Of a project or a user. */
export const ID: JsonSchema = { type: 'string', minLength: 1, maxLength: 255 };

interface ObjectSchema {
  readonly properties: Readonly<Record<string, JsonSchema>>;
  readonly required: readonly string[];
}

/** An object with these properties and no others. */
export const objectOf = ({ properties, required }: ObjectSchema): JsonSchema => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});

interface MapSchema {
  readonly keys: string;
  readonly values: JsonSchema;
  readonly atLeast?: number;
}

/** An object whose keys are all alike. */
export const mapOf = ({ keys, values, atLeast }: MapSchema): JsonSchema => ({
  type: 'object',
  ...(atLeast !== undefined && { minProperties: atLeast }),
  patternProperties: { [keys]: values },
  additionalProperties: false,
});

/** A schema that is made anew in some versions only, so that it is the same object in all that lie between. */
export const perVersion = (
  changedIn: readonly number[],
  make: (version: number) => JsonSchema,
): ((version: number) => JsonSchema) => {
  const made = changedIn.map((since) => ({ since, schema: make(since) }));
  return (version) => {
    const found = made.findLast(({ since }) => since <= version);
    if (!found) throw new RangeError(`version 1.${version} has no schema`);
    return found.schema;
  };
};
