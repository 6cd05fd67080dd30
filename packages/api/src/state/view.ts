/** All records of a service, as of one moment. It changes as soon as whoever holds it waits for something. `R` has the type of each kind. */
export interface View<R> {
  readonly get: <N extends keyof R & string>(kind: N, id: string) => R[N] | undefined;
  /** In the order of their ids. */
  readonly list: <N extends keyof R & string>(kind: N) => readonly R[N][];
  /** Those of a kind that have a relation. */
  readonly related: <N extends keyof R & string>(kind: N, relation: string) => readonly R[N][];
}
