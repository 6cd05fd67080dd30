/** virterror.h: https://libvirt.org/html/libvirt-virterror.html */
import koffi from 'koffi';
import { declare, declareStruct } from '../library.js';
import type { CallbackPointer } from '../pointers.js';

const virError = declareStruct('virError', {
  code: 'int',
  domain: 'int',
  message: 'const char *',
  level: 'int',
  conn: 'void *',
  dom: 'void *',
  str1: 'const char *',
  str2: 'const char *',
  str3: 'const char *',
  int1: 'int',
  int2: 'int',
  net: 'void *',
});

export interface VirError {
  code: number;
  domain: number;
  message: string | null;
  level: number;
}

const virGetLastErrorPointer = declare<() => bigint | null>('void *virGetLastError(void)');

export const virResetLastError = declare<() => void>('void virResetLastError(void)');

export const virSetErrorFunc = declare<(userData: null, handler: CallbackPointer) => void>(
  'void virSetErrorFunc(void *userData, void *handler)',
);

/** The calling thread's last error, copied. */
export function virGetLastError(): VirError | null {
  const address = virGetLastErrorPointer();
  if (address === null) return null;
  const error: VirError = koffi.decode(address, virError);
  return error;
}
