/**
 * The keys of a service's records. `KIND/ID` holds a record. Each write puts `changes` too, and compares what it was: so writes come one after
 * another, whoever makes them, and nothing that one of them has read has changed before it is written.
 */
export interface RecordKeys {
  /** What all of them begin with; ends with a slash. */
  readonly state: string;
  readonly changes: string;
  readonly record: (kind: string, id: string) => string;
}

/** @param state ends with a slash, and nothing else is below it. */
export const createRecordKeys = (state: string): RecordKeys => ({
  state,
  changes: `${state}changes`,
  record: (kind, id) => `${state}${kind}/${id}`,
});

/** @param key below `state`. @returns undefined for what is no record. */
export const parseRecordKey = (key: string): { readonly kind: string; readonly id: string } | undefined => {
  const slash = key.indexOf('/');
  return slash < 0 ? undefined : { kind: key.slice(0, slash), id: key.slice(slash + 1) };
};
