import koffi from 'koffi';

let trim: (() => unknown) | undefined;

const find = (): (() => unknown) => {
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
  trim ??= find();
  trim();
};
