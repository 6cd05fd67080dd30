/** `web-2` before `web-10`. `localeCompare` would look up the language for each of a million comparisons. */
export const { compare: compareNames } = new Intl.Collator('en', { numeric: true });
