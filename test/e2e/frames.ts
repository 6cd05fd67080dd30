/** Ethernet frames, byte by byte, as an honest or a lying guest sends them. */

export const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(/[\s:]/g, ''), 'hex');
const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
const mac = bytes;

const address = (text: string): Buffer => {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail = ''] = text.split('::').map((half) =>
    half
      .split(':')
      .filter(Boolean)
      .map((part) => part.padStart(4, '0'))
      .join(''),
  );
  return bytes(text.includes('::') ? head + '0'.repeat(32 - head.length - tail.length) + tail : head);
};

export const BROADCAST = 'ff:ff:ff:ff:ff:ff';

export interface Ethernet {
  readonly to: string;
  readonly from: string;
  readonly type: number;
}

export const ethernet = ({ to, from, type }: Ethernet, payload: Buffer): Buffer =>
  Buffer.concat([mac(to), mac(from), u16(type), payload]);

/** Puts tags after the addresses, each its protocol and its number, such as `8100 0000`. */
export const tagged = (tags: string, frame: Buffer): Buffer =>
  Buffer.concat([frame.subarray(0, 12), bytes(tags), frame.subarray(12)]);

/** As RFC 1071 has it. */
const checksum = (data: Buffer): number => {
  let sum = 0;
  const even = data.length % 2 === 0 ? data : Buffer.concat([data, Buffer.alloc(1)]);
  for (let at = 0; at < even.length; at += 2) sum += even.readUInt16BE(at);
  while (sum > 0xff_ff) sum = (sum & 0xff_ff) + (sum >>> 16);
  return ~sum & 0xff_ff;
};

export interface Ip {
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  /** With the flags: 0x2000 says that more fragments follow. */
  readonly fragment?: number;
}

export const ipv4 = ({ from, to, protocol, fragment = 0 }: Ip, payload: Buffer): Buffer => {
  const head = Buffer.concat([
    bytes('45 00'),
    u16(20 + payload.length),
    bytes('00 01'),
    u16(fragment),
    Buffer.from([64, protocol]),
    bytes('00 00'),
    address(from),
    address(to),
  ]);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, payload]);
};

export const ipv6 = ({ from, to, protocol }: Ip, payload: Buffer): Buffer =>
  Buffer.concat([
    bytes('60 00 00 00'),
    u16(payload.length),
    Buffer.from([protocol, 255]),
    address(from),
    address(to),
    payload,
  ]);

/** IPv6's header of fragments, before a payload of `protocol`. */
export const fragment6 = ({
  protocol,
  offset,
  isLast,
}: {
  protocol: number;
  offset: number;
  isLast: boolean;
}): Buffer =>
  Buffer.concat([Buffer.from([protocol, 0]), u16((offset & 0xff_f8) | (isLast ? 0 : 1)), bytes('00 00 00 07')]);

/** The checksum is left out, which IPv4 permits, and no bridge looks at. */
export const udp = (from: number, to: number, payload: Buffer): Buffer =>
  Buffer.concat([u16(from), u16(to), u16(8 + payload.length), bytes('00 00'), payload]);

export const icmp6 = (type: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([type, 0, 0, 0]), body]);

/** A neighbour's solicitation (135) or advertisement (136) of a target, with the link-layer address that it is said to have. */
export const neighbour = (type: 135 | 136, target: string, linkLayer: string): Buffer =>
  icmp6(
    type,
    Buffer.concat([
      bytes(type === 136 ? '60000000' : '00000000'),
      address(target),
      bytes(type === 136 ? '0201' : '0101'),
      mac(linkLayer),
    ]),
  );

export interface Arp {
  readonly operation: 1 | 2;
  readonly senderMac: string;
  readonly sender: string;
  readonly target: string;
}

export const arp = ({ operation, senderMac, sender, target }: Arp): Buffer =>
  Buffer.concat([
    bytes('0001 0800 06 04'),
    u16(operation),
    mac(senderMac),
    address(sender),
    mac('00:00:00:00:00:00'),
    address(target),
    Buffer.alloc(18),
  ]);

export interface Bootp {
  /** 1 asks, 2 answers. */
  readonly operation: 1 | 2;
  readonly client: string;
  readonly ciaddr?: string;
  readonly giaddr?: string;
}

export const bootp = ({ operation, client, ciaddr = '0.0.0.0', giaddr = '0.0.0.0' }: Bootp): Buffer =>
  Buffer.concat([
    Buffer.from([operation, 1, 6, 0]),
    bytes('12345678 0000 8000'),
    address(ciaddr),
    address('0.0.0.0'),
    address('0.0.0.0'),
    address(giaddr),
    mac(client),
    Buffer.alloc(10 + 64 + 128),
    bytes('63825363 350101 ff'),
  ]);
