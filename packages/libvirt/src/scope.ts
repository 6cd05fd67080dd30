/** What the objects of one connection share: the threads, the connection's own pointer, and who is still to be freed. */
import type { CallWait } from './call-wait.js';
import type { CallName, Calls } from './ffi/call-table.js';
import type { ConnectionPointer } from './ffi/pointers.js';
import type { Runtime } from './runtime/runtime.js';
import type { Line } from './line.js';
import { OwnedPointer } from './owned-pointer.js';

type Releasable = Pick<OwnedPointer<bigint>, 'isReleased' | 'release' | 'freed'>;

type FreeCall = Extract<CallName, `${string}Free`>;

/** A wrapper that becomes garbage without `free()` is freed then; the objects themselves are small. */
const forgotten = new FinalizationRegistry<() => void>((free) => free());

export class Scope {
  readonly runtime: Runtime;
  readonly connection: OwnedPointer<ConnectionPointer>;
  readonly line: Line;
  /** What ends each subscription and console that is still open. */
  readonly closers = new Set<() => Promise<void>>();
  readonly #children = new Set<Releasable>();

  constructor(runtime: Runtime, connection: OwnedPointer<ConnectionPointer>, line: Line) {
    this.line = line;
    this.runtime = runtime;
    this.connection = connection;
  }

  /** Takes ownership of an object that libvirt gave us; `freeCall` is its vir*Free. */
  own<Owned extends bigint>(pointer: Owned, freeCall: FreeCall, what: string): OwnedPointer<Owned> {
    const owned: OwnedPointer<Owned> = new OwnedPointer(this.runtime, {
      pointer,
      what,
      line: this.line,
      free: async () => {
        this.#children.delete(owned);
        await this.free(freeCall, pointer);
      },
    });
    this.#children.add(owned);
    // A call that was in flight while the connection closed: nobody may use what it returned.
    if (this.connection.isReleased) void owned.release().catch(warnUnfreed);
    return owned;
  }

  /** Frees an object that nobody owns: a result that arrived after its caller gave up. */
  async free(freeCall: FreeCall, pointer: bigint): Promise<void> {
    // eslint-disable-next-line typescript/no-unsafe-type-assertion -- every vir*Free has its own pointer type; the caller pairs them
    const args = [pointer] as unknown as Parameters<Calls[FreeCall]>;
    await this.runtime.calls.run(freeCall, args);
  }

  /** Frees `owned` when `wrapper`, which must be its only user, is collected. */
  freeWhenForgotten(wrapper: object, owned: Releasable): void {
    forgotten.register(wrapper, () => {
      if (!owned.isReleased) void owned.release().catch(warnUnfreed);
    });
  }

  /** Ends and frees everything that is still open. */
  async releaseAll(): Promise<void> {
    await Promise.all([...this.closers].map((close) => close()));
    await Promise.all([...this.#children].map((child) => child.freed()));
  }
}

/** Freeing only drops a reference, so a failure is a bug worth hearing about, and nothing that anyone could handle. */
export function warnUnfreed(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : new Error(String(error)));
}

interface Described {
  readonly pointer: bigint;
}

/** Wait options that free the object when it arrives after its caller gave up. */
export function orFree(
  scope: Scope,
  freeCall: FreeCall,
  wait: CallWait,
): CallWait & { discard: (described: Described) => void } {
  return { ...wait, discard: ({ pointer }) => void scope.free(freeCall, pointer).catch(warnUnfreed) };
}

/** The same for a list of objects. */
export function orFreeAll(
  scope: Scope,
  freeCall: FreeCall,
  wait: CallWait,
): CallWait & { discard: (described: readonly Described[]) => void } {
  const { discard } = orFree(scope, freeCall, wait);
  return { ...wait, discard: (all) => all.forEach(discard) };
}
