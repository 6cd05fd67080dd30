/**
 * A JSON value as Python prints it. OpenStack Placement shows values so in its errors, and its clients look for them there.
 * https://docs.python.org/3/library/functions.html#repr
 */
export const toPythonText = (value: unknown): string => {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'string') return quote(value);
  if (Array.isArray(value)) return `[${value.map(toPythonText).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, entry]) => `${quote(key)}: ${toPythonText(entry)}`);
  return `{${entries.join(', ')}}`;
};

/** The same with the keys of objects in order, as Python's pprint has them; without its line breaks. */
export const toPrettyPythonText = (value: unknown): string => toPythonText(sortKeys(value));

const sortKeys = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : Number(a > b)));
  return Object.fromEntries(entries.map(([key, entry]) => [key, sortKeys(entry)]));
};

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

const quote = (text: string): string => {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  // eslint-disable-next-line no-control-regex -- Python escapes them
  const escaped = text.replaceAll(/[\\\u0000-\u001f\u007f]/g, (found) => ESCAPES[found] ?? toHex(found));
  return mark + (mark === "'" ? escaped.replaceAll("'", "\\'") : escaped) + mark;
};

const toHex = (character: string): string => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
