import { virSetErrorFunc } from './headers/error.js';
import { libcFunction } from './library.js';

/**
 * Keeps libvirt from printing every error to stderr itself. The handler is process-wide and is called in whichever
 * thread fails, so it may not be JavaScript, which only one thread can run: it is labs(), a C function that looks at
 * its first argument and does nothing.
 */
export function silenceErrorPrinting(): void {
  virSetErrorFunc(null, libcFunction('labs'));
}
