/** Structs and arrays that libvirt fills or allocates. koffi decodes to `any`: what lies there is what the caller says. */
import koffi from 'koffi';
import type { TypeObject } from 'koffi';
import { strnlen } from './headers/libc.js';

/** Gives the struct that `call` fills through its last parameter. */
export function filled<Struct extends object>(call: (out: Partial<Struct>) => unknown): Struct {
  const out: Partial<Struct> = {};
  call(out);
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- the call succeeded, so it filled every member
  return out as Struct;
}

/** Gives the number that `call` stores through its last parameter. */
export function stored(call: (out: [number | bigint]) => unknown): number {
  const out: [number | bigint] = [0];
  call(out);
  return Number(out[0]);
}

/** Runs a call that stores an array of pointers and answers its length; gives the pointers and frees the array alone. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what the array points to
export function takePointers<Pointer extends bigint>(call: (array: [bigint | null]) => number): Pointer[] {
  const array: [bigint | null] = [null];
  const count = call(array);
  const [address] = array;
  if (address === null) return [];
  try {
    const pointers: Pointer[] = count === 0 ? [] : koffi.decode(address, 'void *', count);
    return pointers;
  } finally {
    koffi.free(address);
  }
}

/** Reads `count` structs that lie one after the other. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what `type` decodes to
export function decodeStructs<Struct>(address: bigint | null, type: TypeObject, count: number): Struct[] {
  if (address === null || count === 0) return [];
  const structs: Struct[] = koffi.decode(address, type, count);
  return structs;
}

/** Runs a call that fills an array of ours with up to `most` structs and answers how many; gives those. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what `type` decodes to
export function filledArray<Struct>(type: TypeObject, most: number, call: (array: bigint) => number): Struct[] {
  if (most === 0) return [];
  const array: bigint = koffi.alloc(type, most);
  try {
    return decodeStructs(array, type, call(array));
  } finally {
    koffi.free(array);
  }
}

/** Reads a string that libvirt has allocated for us, and frees it. */
export function takeString(address: bigint): string {
  try {
    const text: string = koffi.decode(address, 'char', -1);
    return text;
  } finally {
    koffi.free(address);
  }
}

/** Reads one struct. */
// eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows what `type` decodes to
export function decodeStruct<Struct>(address: bigint, type: TypeObject): Struct {
  const struct: Struct = koffi.decode(address, type);
  return struct;
}

/** Reads a text, of which no more than `max` bytes are of interest: a guest may have written it. */
export function decodeText(address: bigint | null, max: number): string | null {
  if (address === null) return null;
  const length = strnlen(address, max);
  const bytes: number[] = length === 0 ? [] : koffi.decode(address, 'uint8_t', length);
  return Buffer.from(bytes).toString();
}

/** Describes every pointer; when one cannot be described, all others are freed before the failure goes on. */
export function describeAll<From, To>(
  pointers: From[],
  describeOrFree: (pointer: From) => To,
  free: (pointer: From) => unknown,
): To[] {
  let current = 0;
  try {
    return pointers.map((pointer, index) => {
      current = index;
      return describeOrFree(pointer);
    });
  } catch (error) {
    for (const [index, pointer] of pointers.entries()) if (index !== current) free(pointer);
    throw error;
  }
}
