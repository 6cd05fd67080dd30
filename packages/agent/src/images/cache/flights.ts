/** Something that several callers wait for, and that is done once. */
interface Flight<T, M> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly members: Set<M>;
}

/** Single flight: whoever asks for the same thing at the same time shares it; it stops when the last of them has gone. */
export class Flights<T, M extends object> {
  readonly #byKey = new Map<string, Flight<T, M>>();
  /** Also those that nobody waits for any more. */
  readonly #inHand = new Set<Promise<unknown>>();

  /** Whether anything is in hand that somebody waits for. */
  get isIdle(): boolean {
    return this.#byKey.size === 0;
  }

  /** Resolves when nothing is in hand. */
  async settle(): Promise<void> {
    while (this.#inHand.size > 0) await Promise.allSettled(this.#inHand);
  }

  /**
   * @param member what the caller brings along; `start` sees those of all callers, as they come and go.
   * @throws what `start` throws; the signal's reason on abort.
   */
  async join(
    key: string,
    { member, signal }: { member: M; signal: AbortSignal },
    start: (members: ReadonlySet<M>, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#byKey.get(key) ?? this.#start(key, start);
    flight.members.add(member);
    const leave = (): void => {
      flight.members.delete(member);
      if (flight.members.size > 0) return;
      flight.controller.abort();
      this.#land(key, flight);
    };
    signal.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([flight.result, aborted(signal)]);
    } finally {
      signal.removeEventListener('abort', leave);
      flight.members.delete(member);
    }
  }

  #start(key: string, start: (members: ReadonlySet<M>, signal: AbortSignal) => Promise<T>): Flight<T, M> {
    const controller = new AbortController();
    const members = new Set<M>();
    const flight: Flight<T, M> = {
      // Not before the flight is there.
      result: Promise.resolve().then(async () => start(members, controller.signal)),
      controller,
      members,
    };
    this.#byKey.set(key, flight);
    const land = (): void => this.#land(key, flight);
    const landed = flight.result.then(land, land); // every caller sees a failure; there may be none left
    this.#inHand.add(landed);
    void landed.finally(() => this.#inHand.delete(landed));
    return flight;
  }

  /** From now on, whoever asks starts anew. */
  #land(key: string, flight: Flight<T, M>): void {
    if (this.#byKey.get(key) === flight) this.#byKey.delete(key);
  }
}

const aborted = async (signal: AbortSignal): Promise<never> =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
