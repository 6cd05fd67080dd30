/**
 * A UUID as it is stored, of any of the spellings that Placement's clients may use: without dashes, in capitals, in braces, as a URN.
 *
 * @returns undefined for what is none.
 */
export const parseUuid = (text: string): string | undefined => {
  const digits = text
    .replaceAll('urn:', '')
    .replaceAll('uuid:', '')
    .replaceAll(/^[{}]+|[{}]+$|-/g, '')
    .toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(digits)) return undefined;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
};
