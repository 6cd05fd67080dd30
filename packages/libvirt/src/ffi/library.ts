/**
 * The shared library, by its soname: no headers, no compiler, no development package.
 *
 * Functions are bound when first called, so that a libvirt too old to have one of them still serves all the others.
 */
import koffi from 'koffi';
import type { LibraryHandle, TypeObject } from 'koffi';
import { asPointer } from './pointers.js';
import type { CallbackPointer } from './pointers.js';

const SONAME = 'libvirt.so.0';

for (const type of [
  'virConnectPtr',
  'virDomainPtr',
  'virNetworkPtr',
  'virNWFilterPtr',
  'virStoragePoolPtr',
  'virStorageVolPtr',
  'virStreamPtr',
]) {
  koffi.pointer(type, koffi.opaque());
}

let library: LibraryHandle | undefined;

function open(): LibraryHandle {
  try {
    library ??= koffi.load(SONAME);
    return library;
  } catch (cause) {
    throw new Error(`could not load ${SONAME}: is libvirt's client library installed (libvirt0, libvirt-libs)?`, {
      cause,
    });
  }
}

/**
 * Declares a function by its C prototype, as the header has it. Its `name` is the C name.
 * A `char *!` result is copied to a string and freed; a plain `const char *` belongs to libvirt and is only copied.
 */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what the prototype string says
export function declare<Call extends (...args: never[]) => unknown>(prototype: string): Call {
  const name = /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype;
  let bound: ((...args: never[]) => unknown) | undefined;
  const bind = (): ((...args: never[]) => unknown) => (bound = open().func(prototype));
  const call = (...args: never[]): unknown => (bound ?? bind())(...args);
  Object.defineProperty(call, 'name', { value: name });
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the prototype is the truth; the compiler cannot read it
  return call as Call;
}

/** Declares a C struct under `name`, so that prototypes can mention it. */
export function declareStruct(name: string, members: Record<string, string | TypeObject>): TypeObject {
  return koffi.struct(name, members);
}

/** The address of a function of the C library that every process already has. */
export function libcFunction(name: string): CallbackPointer {
  return asPointer(BigInt(koffi.load(null).symbol(name)));
}
