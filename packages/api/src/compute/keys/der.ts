/** Parts of ASN.1 in their distinguished encoding: ITU-T X.690. */

const TAGS = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  nothing: 0x05,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

const lengthOf = (count: number): Buffer => {
  if (count < 0x80) return Buffer.of(count);
  const hex = count.toString(16);
  const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
};

const encode = (tag: number, content: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(tag), lengthOf(content.length), content]);

export const sequence = (...parts: readonly Buffer[]): Buffer => encode(TAGS.sequence, Buffer.concat(parts));
export const setOf = (...parts: readonly Buffer[]): Buffer => encode(TAGS.set, Buffer.concat(parts));
/** @param content explicitly tagged, unless it is a part of a choice. */
export const tagged = (number: number, content: Buffer): Buffer => encode(0xa0 | number, content);
export const utf8 = (text: string): Buffer => encode(TAGS.utf8, Buffer.from(text));
export const octetString = (content: Buffer): Buffer => encode(TAGS.octetString, content);
export const bitString = (content: Buffer): Buffer => encode(TAGS.bitString, Buffer.concat([Buffer.of(0), content]));
export const nothing = (): Buffer => encode(TAGS.nothing, Buffer.alloc(0));

/** @param bytes of a number that is not negative. */
export const integer = (bytes: Buffer): Buffer =>
  encode(TAGS.integer, (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes);

/** @param name such as `1.2.840`. */
export const oid = (name: string): Buffer => {
  const [first = 0, second = 0, ...rest] = name.split('.').map(Number);
  return encode(TAGS.oid, Buffer.from([first * 40 + second, ...rest.flatMap(toBase128)]));
};

const toBase128 = (value: number): number[] => {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(0x80 | (left % 128));
  return digits;
};

/** RFC 5280, section 4.1.2.5: years of four digits from 2050 on. */
export const time = (date: Date): Buffer => {
  const text = `${date.toISOString().replaceAll(/[-:T]|\..*$/g, '')}Z`;
  return date.getUTCFullYear() < 2050
    ? encode(TAGS.utcTime, Buffer.from(text.slice(2)))
    : encode(TAGS.generalizedTime, Buffer.from(text));
};
