/**
 * Whether so many things are gone at once that there must be one common cause: a server is another one or was emptied, or a file system is not
 * mounted. A person removes one thing, not most of them.
 */
export const areTooMany = ({ of: all, gone }: { readonly of: number; readonly gone: number }): boolean =>
  gone >= 2 && gone > all / 2;
