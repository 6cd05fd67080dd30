/** Changes some values of a domain's XML, and keeps all else as it is: also what this package does not know. */
import { XMLBuilder, XMLParser } from 'fast-xml-parser';
import { renderDevice, type DomainDevice } from './domain.js';

export interface DomainChanges {
  readonly vcpus?: number;
  readonly memoryMiB?: number;
  /** The format of the disk that has this file. */
  readonly disk?: { readonly path: string; readonly format: 'raw' | 'qcow2' };
  /** One device more. */
  readonly attach?: DomainDevice;
  /** A device that it has, found as libvirt finds it: a disk by its target, an interface by its MAC. */
  readonly detach?: DomainDevice;
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

function attach(domain: Node, device: DomainDevice): void {
  const devices = find(domain, 'devices');
  if (devices) devices['devices'] = [...childrenOf(devices), ...nodesIn(parser.parse(renderDevice(device).trim()))];
}

function isSameDevice(node: Node, device: DomainDevice): boolean {
  if (device.disk) return 'disk' in node && attributesOf(find(node, 'target'))['dev'] === device.disk.targetDev;
  const mac = attributesOf(find(node, 'mac'))['address'];
  return 'interface' in node && String(mac).toLowerCase() === device.interface.mac.toLowerCase();
}

function detach(domain: Node, device: DomainDevice): void {
  const devices = find(domain, 'devices');
  if (devices) devices['devices'] = childrenOf(devices).filter((node) => !isSameDevice(node, device));
}

/** @returns the XML to define the domain with. Throws when it has no such disk. */
export function editDomain(xml: string, changes: DomainChanges): string {
  const document = nodesIn(parser.parse(xml));
  const domain = document.find((node) => 'domain' in node);
  if (!domain) throw new Error("could not change a domain's XML: the root element is not <domain>");
  const { vcpus, memoryMiB, disk } = changes;
  if (memoryMiB !== undefined) setMemory(domain, memoryMiB);
  if (vcpus !== undefined) setVcpus(domain, vcpus);
  if (disk) setFormat(domain, disk);
  if (changes.detach) detach(domain, changes.detach);
  if (changes.attach) attach(domain, changes.attach);
  return builder.build(document);
}
