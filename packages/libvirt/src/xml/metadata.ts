/**
 * A metadata element of our own inside a domain: https://libvirt.org/formatdomain.html#general-metadata
 * libvirt keeps it untouched, in its own namespace, one root element per namespace.
 */
import { parseXml } from './document.js';
import type { ReadElement, XmlElement } from './document.js';

export interface MetadataElement {
  /** The namespace, which is what `getMetadata` and `setMetadata` find it by. */
  readonly uri: string;
  readonly prefix: string;
  readonly name: string;
  /** The text of one child element per member. */
  readonly values: Readonly<Record<string, string>>;
}

/** As a child of <metadata>. */
export function metadataMember(element: MetadataElement): XmlElement {
  const { prefix } = element;
  const children = Object.entries(element.values).map(([name, text]) => [`${prefix}:${name}`, text] as const);
  return { [`${prefix}:${element.name}`]: { [`@xmlns:${prefix}`]: element.uri, ...Object.fromEntries(children) } };
}

const localName = (name: string): string => name.slice(name.indexOf(':') + 1);

function readValues(element: ReadElement): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of element.childNames()) values[localName(name)] = element.child(name).text() ?? '';
  return values;
}

/** Every namespaced child of <metadata>. */
export function readMetadata(metadata: ReadElement): MetadataElement[] {
  return metadata.childNames().flatMap((name) => {
    const [prefix, local] = name.split(':');
    if (prefix === undefined || local === undefined) return [];
    return metadata.children(name).map((element) => ({
      uri: element.attribute(`xmlns:${prefix}`) ?? '',
      prefix,
      name: local,
      values: readValues(element),
    }));
  });
}

/** The values of an element as `Domain.getMetadata` gives it. */
export function parseMetadataValues(xml: string, name: string): Record<string, string> {
  const root = /<(?:[\w.-]+:)?([\w.-]+)/.exec(xml)?.[0].slice(1) ?? name;
  if (localName(root) !== name)
    throw new Error(`could not read metadata: the root element is <${root}>, not <${name}>`);
  return readValues(parseXml(xml, root));
}
