import { succeed } from './failure.js';

/** VIR_UUID_STRING_BUFLEN: 36 characters and the terminator. */
const UUID_STRING_BUFFER_LENGTH = 37;

/** Reads an object's uuid through one of the vir*GetUUIDString functions. */
export function readUuid<Pointer>(call: (pointer: Pointer, buffer: Buffer) => number, pointer: Pointer): string {
  const buffer = Buffer.alloc(UUID_STRING_BUFFER_LENGTH);
  succeed(call, pointer, buffer);
  return buffer.toString('latin1', 0, UUID_STRING_BUFFER_LENGTH - 1);
}
