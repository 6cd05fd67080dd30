/** Arrays that libvirt allocates for the caller, who frees them. */
import koffi from 'koffi';
import type { TypeObject } from 'koffi';

/** Runs a call that stores an array of pointers and answers its length; gives the pointers and frees the array alone. */
export function takePointers(call: (array: [bigint | null]) => number): bigint[] {
  const array: [bigint | null] = [null];
  const count = call(array);
  const [address] = array;
  if (address === null) return [];
  try {
    // koffi's decode is untyped: an array of `void *` is an array of addresses.
    return count === 0 ? [] : (koffi.decode(address, 'void *', count) as bigint[]);
  } finally {
    koffi.free(address);
  }
}

/** Reads `count` structs that lie one after the other. */
export function decodeStructs<Struct>(address: bigint | null, type: TypeObject, count: number): Struct[] {
  return address === null || count === 0 ? [] : (koffi.decode(address, type, count) as Struct[]);
}

/** Reads one struct. */
export function decodeStruct<Struct>(address: bigint, type: TypeObject): Struct {
  return koffi.decode(address, type) as Struct;
}

/** Describes every pointer; when one cannot be described, all are freed before the failure goes on. */
export function describeAll<From, To>(
  pointers: From[],
  describe: (pointer: From) => To,
  free: (pointer: From) => unknown,
): To[] {
  let done = 0;
  try {
    return pointers.map((pointer) => {
      const described = describe(pointer);
      done += 1;
      return described;
    });
  } catch (error) {
    // describe() frees the pointer it fails on; those before and after it are ours.
    for (const [index, pointer] of pointers.entries()) if (index !== done) free(pointer);
    throw error;
  }
}
