/**
 * Who frees a libvirt object, and when: one owner, once, and never under a call that still uses it.
 *
 * A call in flight keeps the object: `release` refuses new calls at once, and frees when the last one has ended. That
 * also covers calls whose caller has given up waiting. Nobody waits for a call that hangs: what it keeps is freed when it returns.
 */
import type { CallName, Calls } from './ffi/call-table.js';
import type { CallOptions as PoolOptions } from './runtime/call-pool.js';
import type { Runtime } from './runtime/runtime.js';
import type { CallWait } from './call-wait.js';
import { CallTimeoutError, ReleasedError } from './errors.js';
import type { Line } from './line.js';

/** The calls that take `Owned` as their first argument. */
type CallsOn<Owned> = {
  [Name in CallName]: Parameters<Calls[Name]> extends [Owned, ...infer _Rest] ? Name : never;
}[CallName];

type CallOptions<Name extends CallName> = CallWait & Pick<PoolOptions<Name>, 'onEnd' | 'discard'>;

type Rest<Name extends CallName> = Parameters<Calls[Name]> extends [unknown, ...infer Others] ? Others : never;

export class OwnedPointer<Owned extends bigint> {
  readonly #runtime: Runtime;
  readonly #pointer: Owned;
  readonly #what: string;
  readonly #line: Line;
  readonly #free: () => Promise<void>;
  #callsInFlight = 0;
  #isReleased = false;
  #freed: Promise<void> | undefined;
  #onQuiet: (() => void) | undefined;

  /** `what` names the object in errors, such as "domain web-1 (6b2f…)". */
  constructor(runtime: Runtime, owned: { pointer: Owned; what: string; line: Line; free: () => Promise<void> }) {
    this.#runtime = runtime;
    this.#line = owned.line;
    this.#pointer = owned.pointer;
    this.#what = owned.what;
    this.#free = owned.free;
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  /**
   * Calls a libvirt function on the object. Throws `LibvirtError`; `CallTimeoutError` when it takes too long, `StuckConnectionError`
   * after another call on the connection did; `ReleasedError` once the object has been released.
   */
  async call<Name extends CallsOn<Owned>>(
    name: Name,
    args: Rest<Name>,
    options: CallOptions<Name> = {},
  ): Promise<ReturnType<Calls[Name]>> {
    const loan = this.borrow(name);
    let leaveLine: (() => void) | undefined;
    const onEnd = (): void => {
      leaveLine?.();
      loan.giveBack();
      options.onEnd?.();
    };
    try {
      leaveLine = await this.#line.enter(name, options.signal);
    } catch (error) {
      onEnd();
      throw error;
    }
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- CallsOn says that the first parameter is Owned, which the compiler cannot follow
    const all = [loan.pointer, ...args] as unknown as Parameters<Calls[Name]>;
    const { signal, discard } = options;
    return this.#runtime.calls.run(name, all, { signal, discard, onEnd, deadline: this.#deadlineOf(name, options) });
  }

  #deadlineOf(call: string, { timeoutMs = this.#line.callTimeoutMs }: CallWait): PoolOptions<CallName>['deadline'] {
    if (timeoutMs === undefined) return undefined;
    const onMissed = (): Error => {
      const error = new CallTimeoutError({ call, what: this.#what, timeoutMs });
      this.#line.block(error);
      return error;
    };
    return { timeoutMs, onMissed };
  }

  /** Lends the pointer, for a use that `call` cannot express. It is not freed before `giveBack` (once). */
  borrow(name: string): { readonly pointer: Owned; readonly giveBack: () => void } {
    if (this.#isReleased) throw new ReleasedError(name, this.#what);
    return this.keep();
  }

  /** The same for one that is being released, but surely not freed yet. */
  keep(): { readonly pointer: Owned; readonly giveBack: () => void } {
    this.#callsInFlight += 1;
    return {
      pointer: this.#pointer,
      giveBack: () => {
        this.#callsInFlight -= 1;
        if (this.#callsInFlight === 0) this.#onQuiet?.();
      },
    };
  }

  /** Refuses further calls, waits for those in flight, frees the object. May be repeated. Does not wait for a call that hangs. */
  async release(): Promise<void> {
    const freed = this.freed();
    if (this.#callsInFlight === 0) {
      await freed;
      return;
    }
    let stopListening: (() => void) | undefined;
    const blocked = new Promise<void>((resolve) => (stopListening = this.#line.onBlocked(resolve)));
    try {
      await Promise.race([freed, blocked]);
    } finally {
      stopListening?.();
    }
  }

  /** The same, to the very end. */
  freed(): Promise<void> {
    this.#isReleased = true;
    this.#freed ??= this.#freeWhenQuiet();
    return this.#freed;
  }

  async #freeWhenQuiet(): Promise<void> {
    if (this.#callsInFlight > 0) await new Promise<void>((resolve) => (this.#onQuiet = resolve));
    await this.#free();
  }
}
