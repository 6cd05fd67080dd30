/** Keys that are no entity's, relative to the store's prefix. */

/** Its revision is that of the last write of anybody: every write puts it. */
export const HEAD = 'head';

/** One for each process that writes: see `writer.ts`. */
export const WRITERS = 'w/';

/** Which layout of keys and values this is. */
export const FORMAT = 'format';

/** What an import has written: see `transfer/import-target.ts`. */
export const IMPORT = 'import';
