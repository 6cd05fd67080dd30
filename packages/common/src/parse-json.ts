import type { z } from 'zod';

/** Reads JSON. @returns undefined for what is not JSON, or not what the schema describes. */
export const parseJson = <S extends z.ZodType>(schema: S, text: string): z.output<S> | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return schema.safeParse(value).data;
};
