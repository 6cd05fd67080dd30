import type { z } from 'zod';

/** One kind of records: what a service keeps in etcd, one JSON value for each. */
export interface Kind<T> {
  readonly schema: z.ZodType<T>;
  /** What a record is found by, and what its key ends in. */
  readonly idOf: (record: T) => string;
  /** What it is found by otherwise: any text, such as `names/web`. */
  readonly relationsOf?: (record: T) => readonly string[];
}

/** The kinds that a service has, by their names, which have no slash. */
export type Kinds<R> = { readonly [N in keyof R & string]: Kind<R[N]> };

/** What the records of some schemas are. */
export type RecordsOf<S extends Readonly<Record<string, z.ZodType>>> = {
  readonly [N in keyof S]: Readonly<z.output<S[N]>>;
};
