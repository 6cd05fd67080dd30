import { createHash } from 'node:crypto';

/** Ids that are not kept anywhere: every server makes the same ones. Pure. */

/** So that no other program's ids of the same names are the same. */
const NAMESPACE = Buffer.from('b1c5f0a2c0e54d0f9b5f6a6d2f0e7c41', 'hex');

const hash = (text: string): Buffer => createHash('sha1').update(NAMESPACE).update(text).digest().subarray(0, 16);

const format = (bytes: Buffer): string =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

/** Version 5 of RFC 9562. */
const uuidOf = (name: string): string => {
  const bytes = hash(name);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return format(bytes);
};

export const networkIdOf = (name: string): string => uuidOf(`network/${name}`);
export const subnetIdOf = (network: string, cidr: string): string => uuidOf(`subnet/${network}/${cidr}`);
export const groupIdOf = (project: string): string => uuidOf(`security-group/${project}`);
export const groupRuleIdOf = (project: string, rule: string): string => uuidOf(`security-group/${project}/${rule}`);

/**
 * An instance has one port on a network. The port's id is the instance's, mixed with the network's name: so it tells the instance to who
 * knows the network.
 */
export const portIdOf = (instance: string, network: string): string => mix(instance, network);

/** The instance that would have this port, if it is one on this network. */
export const instanceOfPort = (port: string, network: string): string => mix(port, network);

/** Its own inverse. The bits that tell the version of a uuid stay as they are. */
const mix = (uuid: string, network: string): string => {
  const bytes = Buffer.from(uuid.replaceAll('-', ''), 'hex');
  const mask = hash(`port/${network}`);
  mask[6] = (mask[6] ?? 0) & 0x0f;
  mask[8] = (mask[8] ?? 0) & 0x3f;
  return format(Buffer.from(bytes.map((byte, index) => byte ^ (mask[index] ?? 0))));
};
