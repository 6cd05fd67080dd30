/** The few functions of the C library that are needed. */
import koffi from 'koffi';

/** EFD_CLOEXEC | EFD_NONBLOCK, from <sys/eventfd.h> on Linux. */
const EVENTFD_FLAGS = 0o2000000 | 0o4000;

/** A file descriptor that becomes readable when anyone writes an 8-byte number to it. */
export function eventfd(): number {
  const open = koffi.load(null).func('int eventfd(unsigned int initval, int flags)') as (
    initval: number,
    flags: number,
  ) => number;
  const fileDescriptor = open(0, EVENTFD_FLAGS);
  if (fileDescriptor < 0) throw new Error(`could not create an eventfd: errno ${koffi.errno()}`);
  return fileDescriptor;
}

/** Ends the process at once, from any thread, without waiting for the other threads. */
export function exitImmediately(code: number): void {
  const exit = koffi.load(null).func('void _exit(int status)') as (status: number) => void;
  exit(code);
}

let boundStrnlen: ((text: bigint, max: number) => number) | undefined;

/** The length of a text, `max` at the most; what lies beyond is not looked at. */
export function strnlen(text: bigint, max: number): number {
  boundStrnlen ??= koffi.load(null).func('size_t strnlen(const void *text, size_t max)') as (
    text: bigint,
    max: number,
  ) => number;
  return boundStrnlen(text, max);
}

let trim: (() => unknown) | undefined;

const findTrim = (): (() => unknown) => {
  try {
    const mallocTrim = koffi.load(null).func('int malloc_trim(size_t pad)');
    return () => mallocTrim(0);
  } catch {
    // A C library without it, such as musl, keeps little.
    return () => undefined;
  }
};

/**
 * Gives back to the system what the C library keeps of freed memory. Worth it after a thread has ended: glibc would keep most of what the
 * thread had, for it gives back by itself only what lies at the end of its heap.
 */
export const trimMemory = (): void => {
  trim ??= findTrim();
  trim();
};
