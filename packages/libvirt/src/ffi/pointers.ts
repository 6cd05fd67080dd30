/**
 * Addresses of libvirt's objects. Only threads that loaded libvirt look behind them; everywhere else they are opaque.
 * libvirt's objects are thread-safe and counted by reference, so an address may be used from any thread that
 * loaded the library, as long as one owner frees it once (`OwnedPointer`).
 */
declare const kind: unique symbol;

export type Pointer<Kind extends string> = bigint & { readonly [kind]: Kind };

export type ConnectionPointer = Pointer<'connection'>;
export type DomainPointer = Pointer<'domain'>;
export type NetworkPointer = Pointer<'network'>;
export type NWFilterPointer = Pointer<'nwfilter'>;
export type StoragePoolPointer = Pointer<'storage-pool'>;
export type StorageVolumePointer = Pointer<'storage-volume'>;
export type StreamPointer = Pointer<'stream'>;

/** Says what lies behind an address that C gave. */
export function asPointer<Kind extends string>(address: bigint): Pointer<Kind> {
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the brand exists only for the compiler
  return address as Pointer<Kind>;
}

/** The address of a C function: a koffi callback of the event loop thread, or a function of a library. */
export type CallbackPointer = Pointer<'callback'>;
