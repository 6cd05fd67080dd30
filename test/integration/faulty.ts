/** Faults between the agent and what it talks to: the nth call fails, or is carried out and its reply is lost. */
export interface FaultScript {
  /** Counts from 1; 0 never happens. */
  readonly nth: number;
  readonly mode: 'fails' | 'reply-lost';
  readonly error: () => Error;
}

export interface Faults {
  /** Begins to count anew. */
  arm(script: FaultScript): void;
  /** No more faults. */
  disarm(): void;
  /** The call that was hit, such as `domainDefineXML`; undefined when there were fewer calls. */
  readonly hit: string | undefined;
  /** The same object, with calls counted; what its calls return is counted too. */
  wrap<T extends object>(target: T): T;
}

const isHandle = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Symbol.asyncDispose in value;

export const createFaults = (): Faults => {
  let script: FaultScript | undefined;
  let calls = 0;
  let hit: string | undefined;

  const call = async (name: string, run: () => unknown): Promise<unknown> => {
    calls += 1;
    const fault = script && calls === script.nth ? script : undefined;
    if (fault) hit = name;
    if (fault?.mode === 'fails') throw fault.error();
    const result = await run();
    if (!fault) return wrapResult(result);
    for (const handle of [result].flat()) if (isHandle(handle)) await dispose(handle);
    throw fault.error();
  };
  const wrapResult = (result: unknown): unknown => {
    if (Array.isArray(result)) return result.map(wrapResult);
    return isHandle(result) ? wrap(result) : result;
  };
  const dispose = async (handle: Partial<AsyncDisposable>): Promise<void> => handle[Symbol.asyncDispose]?.();

  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      // `target` as the receiver: handles have private fields, which a proxy has not.
      get: (_target, property) => {
        const value: unknown = Reflect.get(target, property, target);
        if (typeof value !== 'function') return value;
        const bound = (...args: unknown[]): unknown => Reflect.apply(value, target, args);
        const isCounted = typeof property === 'string' && !NOT_CALLS.has(property);
        return isCounted ? async (...args: unknown[]) => call(property, () => bound(...args)) : bound;
      },
    });

  return {
    arm: (next) => {
      script = next;
      calls = 0;
      hit = undefined;
    },
    disarm: () => {
      script = undefined;
    },
    get hit() {
      return hit;
    },
    wrap,
  };
};

/** Of the store, the Placement client and libvirt's handles: what answers at once, from memory. */
const NOT_CALLS = new Set(['microversion', 'close', 'watch', 'constructor', 'then']);
