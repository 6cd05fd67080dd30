/** Changes some values of a domain's XML, and keeps all else as it is: also what this package does not know. */
import { XMLBuilder, XMLParser } from 'fast-xml-parser';

export interface DomainChanges {
  readonly vcpus?: number;
  readonly memoryMiB?: number;
  /** The format of the disk that has this file. */
  readonly disk?: { readonly path: string; readonly format: 'raw' | 'qcow2' };
}

const OPTIONS = {
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  // Entities pass through as they are: only numbers and words of ours are written.
  processEntities: false,
} as const;
const parser = new XMLParser(OPTIONS);
const builder = new XMLBuilder({ ...OPTIONS, suppressEmptyNode: true, suppressBooleanAttributes: false });

const ATTRIBUTES = ':@';
const TEXT = '#text';

/** An element is an object with one member, its name, and maybe the attributes. */
type Node = Record<string, unknown>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null;

function nodesIn(value: unknown): Node[] {
  return Array.isArray(value) ? value.filter(isNode) : [];
}

function childrenOf(node: Node | undefined): Node[] {
  const name = node && Object.keys(node).find((key) => key !== ATTRIBUTES);
  return name === undefined ? [] : nodesIn(node?.[name]);
}

function find(node: Node | undefined, name: string): Node | undefined {
  return childrenOf(node).find((child) => name in child);
}

function attributesOf(node: Node | undefined): Node {
  const attributes = node?.[ATTRIBUTES];
  return isNode(attributes) ? attributes : {};
}

function setText(node: Node | undefined, name: string, text: string): void {
  if (node) node[name] = [{ [TEXT]: text }];
}

function setMemory(domain: Node, memoryMiB: number): void {
  for (const name of ['memory', 'currentMemory']) {
    const memory = find(domain, name);
    setText(memory, name, String(memoryMiB));
    if (memory) memory[ATTRIBUTES] = { ...attributesOf(memory), unit: 'MiB' };
  }
}

function setVcpus(domain: Node, vcpus: number): void {
  const vcpu = find(domain, 'vcpu');
  setText(vcpu, 'vcpu', String(vcpus));
  const { current: _current, ...attributes } = attributesOf(vcpu);
  if (vcpu) vcpu[ATTRIBUTES] = attributes;
}

function setFormat(domain: Node, { path, format }: NonNullable<DomainChanges['disk']>): void {
  const disks = childrenOf(find(domain, 'devices')).filter((device) => 'disk' in device);
  const disk = disks.find((candidate) => attributesOf(find(candidate, 'source'))['file'] === path);
  const driver = find(disk, 'driver');
  if (!driver) throw new Error(`could not change a domain's XML: it has no disk ${path}`);
  driver[ATTRIBUTES] = { ...attributesOf(driver), type: format };
}

/** @returns the XML to define the domain with. Throws when it has no such disk. */
export function editDomain(xml: string, { vcpus, memoryMiB, disk }: DomainChanges): string {
  const document = nodesIn(parser.parse(xml));
  const domain = document.find((node) => 'domain' in node);
  if (!domain) throw new Error("could not change a domain's XML: the root element is not <domain>");
  if (memoryMiB !== undefined) setMemory(domain, memoryMiB);
  if (vcpus !== undefined) setVcpus(domain, vcpus);
  if (disk) setFormat(domain, disk);
  return builder.build(document);
}
