const NOTHING: ReadonlySet<string> = new Set();

/** Which members belong to a key. */
export class MultiMap {
  readonly #sets = new Map<string, Set<string>>();

  get(key: string): ReadonlySet<string> {
    return this.#sets.get(key) ?? NOTHING;
  }

  add(key: string, member: string): void {
    const set = this.#sets.get(key);
    if (set) set.add(member);
    else this.#sets.set(key, new Set([member]));
  }

  delete(key: string, member: string): void {
    const set = this.#sets.get(key);
    if (set?.delete(member) && set.size === 0) this.#sets.delete(key);
  }

  /** Moves a member from some keys to others. */
  replace(member: string, before: Iterable<string>, after: Iterable<string>): void {
    for (const key of before) this.delete(key, member);
    for (const key of after) this.add(key, member);
  }
}
