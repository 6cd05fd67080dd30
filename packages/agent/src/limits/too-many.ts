/**
 * Whether so many things are gone at once that something else is wrong than with each of them: a server is another one, or was emptied,
 * or something is not mounted. A person removes one thing, not most of them.
 */
export const areTooMany = ({ of: all, gone }: { readonly of: number; readonly gone: number }): boolean =>
  gone >= 2 && gone > all / 2;
