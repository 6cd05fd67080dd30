/** One after the other, each to its end. */
export function* depthFirst<T>(sources: Iterable<Iterable<T>>): Iterable<T> {
  for (const source of sources) yield* source;
}

/** The first of each, then the second of each, and so on. Sources are not asked for before their turn. */
export function* breadthFirst<T>(sources: Iterable<Iterable<T>>): Iterable<T> {
  let round: Iterable<Iterator<T>> = started(sources);
  for (;;) {
    const left: Iterator<T>[] = [];
    for (const source of round) {
      const next = source.next();
      if (next.done === true) continue;
      left.push(source);
      yield next.value;
    }
    if (left.length === 0) return;
    round = left;
  }
}

function* started<T>(sources: Iterable<Iterable<T>>): Iterable<Iterator<T>> {
  for (const source of sources) yield source[Symbol.iterator]();
}
