/** The same few libvirt functions through two FFI libraries, so that both run the same program. */
import { createRequire } from 'node:module';

/** An address, in whatever form the library has it. */
export type Address = unknown;

export interface Libvirt {
  open(uri: string): Address;
  close(connection: Address): void;
  createDomain(connection: Address, xml: string): Address;
  destroyDomain(domain: Address): void;
  freeDomain(domain: Address): void;
  registerEventLoop(): void;
  runEventLoop(): void;
  /** Makes the event loop turn at least that often. */
  addTimeout(periodMs: number): void;
  onDomainEvent(connection: Address, handler: () => void): void;
}

export type FfiName = 'koffi' | 'ffi-napi';

const SONAME = 'libvirt.so.0';
const LIFECYCLE = 0;

/** Untyped on purpose: neither library is a dependency of this package. */
interface Koffi {
  load(path: string): { func(prototype: string): (...args: unknown[]) => unknown };
  proto(prototype: string): unknown;
  pointer(type: unknown): unknown;
  register(callback: (...args: unknown[]) => unknown, type: unknown): bigint;
}

interface FfiNapi {
  Library(path: string, functions: Record<string, [string, string[]]>): Record<string, (...args: unknown[]) => unknown>;
  Callback(result: string, args: string[], callback: (...args: unknown[]) => unknown): unknown;
}

function fromKoffi(): Libvirt {
  // The binding's own koffi.
  const koffi: Koffi = createRequire(import.meta.resolve('@etcd-compute/libvirt/connection'))('koffi');
  const library = koffi.load(SONAME);
  const open = library.func('void *virConnectOpen(const char *name)');
  const close = library.func('int virConnectClose(void *conn)');
  const create = library.func('void *virDomainCreateXML(void *conn, const char *xml, unsigned int flags)');
  const destroy = library.func('int virDomainDestroy(void *domain)');
  const free = library.func('int virDomainFree(void *domain)');
  const registerEventLoop = library.func('int virEventRegisterDefaultImpl(void)');
  const runEventLoop = library.func('int virEventRunDefaultImpl(void)');
  const addTimeout = library.func('int virEventAddTimeout(int ms, void *cb, void *opaque, void *ff)');
  const onEvent = library.func(
    'int virConnectDomainEventRegisterAny(void *conn, void *dom, int id, void *cb, void *opaque, void *ff)',
  );
  const callback = (body: () => unknown, prototype: string): bigint =>
    koffi.register(body, koffi.pointer(koffi.proto(prototype)));
  return {
    open,
    close,
    createDomain: (connection, xml) => create(connection, xml, 0),
    destroyDomain: destroy,
    freeDomain: free,
    registerEventLoop,
    runEventLoop,
    addTimeout: (periodMs) =>
      addTimeout(
        periodMs,
        callback(() => undefined, 'void Timeout(int timer, void *opaque)'),
        null,
        null,
      ),
    onDomainEvent: (connection, handler) => {
      const body = (): number => {
        handler();
        return 0;
      };
      const prototype = 'int Lifecycle(void *conn, void *dom, int event, int detail, void *opaque)';
      onEvent(connection, null, LIFECYCLE, callback(body, prototype), null, null);
    },
  };
}

function fromFfiNapi(directory: string): Libvirt {
  const ffi: FfiNapi = createRequire(`${directory}/`)('@2060.io/ffi-napi');
  const p = 'pointer';
  const library = ffi.Library(SONAME, {
    virConnectOpen: [p, ['string']],
    virConnectClose: ['int', [p]],
    virDomainCreateXML: [p, [p, 'string', 'uint']],
    virDomainDestroy: ['int', [p]],
    virDomainFree: ['int', [p]],
    virEventRegisterDefaultImpl: ['int', []],
    virEventRunDefaultImpl: ['int', []],
    virEventAddTimeout: ['int', ['int', p, p, p]],
    virConnectDomainEventRegisterAny: ['int', [p, p, 'int', p, p, p]],
  });
  const call = (name: string, ...args: unknown[]): unknown => {
    const found = library[name];
    if (found === undefined) throw new Error(`could not call ${name}: it was not declared`);
    return found(...args);
  };
  const callbacks: unknown[] = []; // ffi-napi frees a callback that JavaScript forgets
  const callback = (body: () => unknown, result: string, args: string[]): unknown => {
    const made = ffi.Callback(result, args, body);
    callbacks.push(made);
    return made;
  };
  return {
    open: (uri) => call('virConnectOpen', uri),
    close: (connection) => call('virConnectClose', connection),
    createDomain: (connection, xml) => call('virDomainCreateXML', connection, xml, 0),
    destroyDomain: (domain) => call('virDomainDestroy', domain),
    freeDomain: (domain) => call('virDomainFree', domain),
    registerEventLoop: () => call('virEventRegisterDefaultImpl'),
    runEventLoop: () => call('virEventRunDefaultImpl'),
    addTimeout: (periodMs) =>
      call(
        'virEventAddTimeout',
        periodMs,
        callback(() => undefined, 'void', ['int', p]),
        null,
        null,
      ),
    onDomainEvent: (connection, handler) => {
      const body = (): number => {
        handler();
        return 0;
      };
      const pointer = callback(body, 'int', [p, p, 'int', 'int', p]);
      call('virConnectDomainEventRegisterAny', connection, null, LIFECYCLE, pointer, null, null);
    },
  };
}

/** `directory` is where ffi-napi was installed. */
export function loadLibvirt(ffi: FfiName, directory: string): Libvirt {
  return ffi === 'koffi' ? fromKoffi() : fromFfiNapi(directory);
}
