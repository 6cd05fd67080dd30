/** Network filter XML: https://libvirt.org/formatnwfilter.html */
import { parseXml, renderXml } from './document.js';
import type { XmlElement } from './document.js';
import { readFilter } from './domain-devices.js';

export interface NWFilterRule {
  readonly action: 'accept' | 'drop';
  /** `out`: what comes from the guest. */
  readonly direction: 'in' | 'out' | 'inout';
  /** Rules of a lower one come first. */
  readonly priority: number;
  /** What it is about; everything when missing. Values may be variables, such as `$MAC`. */
  readonly match?: {
    readonly protocol: 'mac' | 'arp' | 'ip';
    readonly attributes: Readonly<Record<string, string>>;
  };
}

export interface NWFilterSpec {
  readonly name: string;
  /** A filter of the same name is redefined only by one with the same uuid. */
  readonly uuid: string;
  readonly rules: readonly NWFilterRule[];
}

function ruleMember({ action, direction, priority, match }: NWFilterRule): XmlElement {
  const rule = { '@action': action, '@direction': direction, '@priority': priority };
  if (!match) return rule;
  const attributes = Object.entries(match.attributes).map(([name, value]) => [`@${name}`, value]);
  return { ...rule, [match.protocol]: Object.fromEntries(attributes) };
}

/** Renders a filter's definition. Throws `XmlValueError`. */
export function renderNWFilter({ name, uuid, rules }: NWFilterSpec): string {
  return renderXml({ filter: { '@name': name, '@chain': 'root', uuid, rule: rules.map(ruleMember) } });
}

/** What a port's filter is, and whose port it is. */
export interface NWFilterBindingSpec {
  readonly portDev: string;
  /** The domain's uuid. */
  readonly owner: string;
  readonly mac: string;
  readonly filter: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads a binding's XML: https://libvirt.org/formatnwfilter.html */
export function parseNWFilterBinding(xml: string): NWFilterBindingSpec {
  const binding = parseXml(xml, 'filterbinding');
  const { filter = '', filterParameters = {} } = readFilter(binding.child('filterref'));
  return {
    portDev: binding.child('portdev').attribute('name') ?? '',
    owner: binding.child('owner').child('uuid').text() ?? '',
    mac: binding.child('mac').attribute('address') ?? '',
    filter,
    parameters: filterParameters,
  };
}
