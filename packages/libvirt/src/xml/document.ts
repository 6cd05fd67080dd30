/**
 * The one way between values and XML text here. Attributes are members whose names begin with `@`, text is `#text`.
 *
 * The builder escapes markup but lets control characters through, which no XML 1.0 text may hold and which libvirt's
 * own files and tools stumble over: any string with one is refused, whatever it is for.
 */
import { XMLBuilder, XMLParser } from 'fast-xml-parser';

export type XmlValue = string | number | bigint | XmlElement | readonly XmlValue[] | undefined;

export interface XmlElement {
  readonly [name: string]: XmlValue;
}

/** A value that cannot be written as XML. */
export class XmlValueError extends Error {
  readonly code = 'LIBVIRT_XML_VALUE';
  /** Where in the document, such as `domain.devices.disk.0.source.@file`. */
  readonly path: string;

  constructor(path: string, reason: string) {
    super(`could not render ${path}: ${reason}`);
    this.name = 'XmlValueError';
    this.path = path;
  }
}

/** C0, DEL and C1, lone surrogates and the two non-characters that XML excludes. */
const FORBIDDEN =
  // eslint-disable-next-line no-control-regex -- finding them is the point
  /[\u0000-\u001f\u007f-\u009f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

function refuseControlCharacters(value: XmlValue, path: string): void {
  if (typeof value === 'string') {
    const found = FORBIDDEN.exec(value);
    if (found === null) return;
    const codePoint = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
    throw new XmlValueError(path, `character ${found.index + 1} is U+${codePoint}, which XML cannot hold`);
  }
  if (typeof value !== 'object') return;
  const base = path === '' ? '' : `${path}.`;
  for (const [name, member] of Object.entries(value)) refuseControlCharacters(member, `${base}${name}`);
}

const ATTRIBUTE = '@';

const builder = new XMLBuilder({
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE,
  format: true,
  suppressEmptyNode: true,
  suppressBooleanAttributes: false,
});

/** Renders a document with one root element. Throws `XmlValueError`. */
export function renderXml(document: XmlElement): string {
  refuseControlCharacters(document, '');
  return builder.build(document);
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: ATTRIBUTE,
  parseTagValue: false,
  parseAttributeValue: false,
  ignoreDeclaration: true,
});

/** An element that was read: what it holds is asked for, never assumed. */
export class ReadElement {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  #member(name: string): unknown {
    return typeof this.#value === 'object' && this.#value !== null ? Reflect.get(this.#value, name) : undefined;
  }

  has(name: string): boolean {
    return this.#member(name) !== undefined;
  }

  attribute(name: string): string | undefined {
    const value = this.#member(`${ATTRIBUTE}${name}`);
    return typeof value === 'string' ? value : undefined;
  }

  /** The first child of that name; an empty element when there is none. */
  child(name: string): ReadElement {
    return this.children(name)[0] ?? new ReadElement(undefined);
  }

  children(name: string): ReadElement[] {
    const value = this.#member(name);
    if (value === undefined) return [];
    return (Array.isArray(value) ? value : [value]).map((member: unknown) => new ReadElement(member));
  }

  childNames(): string[] {
    if (typeof this.#value !== 'object' || this.#value === null) return [];
    return Object.keys(this.#value).filter((name) => !name.startsWith(ATTRIBUTE) && name !== '#text');
  }

  attributeNames(): string[] {
    if (typeof this.#value !== 'object' || this.#value === null) return [];
    return Object.keys(this.#value)
      .filter((name) => name.startsWith(ATTRIBUTE))
      .map((name) => name.slice(ATTRIBUTE.length));
  }

  text(): string | undefined {
    if (typeof this.#value === 'string') return this.#value;
    const value = this.#member('#text');
    return typeof value === 'string' ? value : undefined;
  }
}

/** Reads a document whose root element is `root`. Throws when it is not. */
export function parseXml(xml: string, root: string): ReadElement {
  const document = new ReadElement(parser.parse(xml));
  if (!document.has(root)) throw new Error(`could not read XML: the root element is not <${root}>`);
  return document.child(root);
}
