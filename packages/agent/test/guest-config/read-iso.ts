/** Reads an ISO 9660 file system back, by its directories and not by what the writer knows. */

const SECTOR = 2048;

export interface Iso {
  readonly label: string;
  readonly files: Map<string, Buffer>;
}

const decodeJoliet = (id: Buffer): string => Buffer.from(id).swap16().toString('utf16le');

/** @param descriptor 16 for the ISO 9660 names, 17 for the Joliet ones. */
export const readIso = (image: Buffer, descriptor: 16 | 17): Iso => {
  const isJoliet = descriptor === 17;
  const volume = image.subarray(descriptor * SECTOR, (descriptor + 1) * SECTOR);
  if (volume.toString('latin1', 1, 6) !== 'CD001' || volume[0] !== (isJoliet ? 2 : 1))
    throw new Error(`sector ${descriptor} holds no volume descriptor`);
  if (volume.readUInt32LE(80) * SECTOR !== image.length) throw new Error('the volume is not as long as it says');
  const decode = (id: Buffer): string => (isJoliet ? decodeJoliet(id) : id.toString('latin1'));
  const files = new Map<string, Buffer>();
  const readDirectory = (record: Buffer, path: string): void => {
    const [sector, bytes] = [record.readUInt32LE(2), record.readUInt32LE(10)];
    if (record.readUInt32BE(6) !== sector || record.readUInt32BE(14) !== bytes)
      throw new Error(`the two byte orders of '${path}' differ`);
    const content = image.subarray(sector * SECTOR, sector * SECTOR + bytes);
    if (((record[25] ?? 0) & 2) === 0) {
      files.set(path, content);
      return;
    }
    for (let at = 0; (content[at] ?? 0) > 0; at += content[at] ?? 0) {
      const inner = content.subarray(at, at + (content[at] ?? 0));
      const id = inner.subarray(33, 33 + (inner[32] ?? 0));
      if (id.length === 1 && (id[0] ?? 0) < 2) continue;
      readDirectory(inner, `${path === '' ? '' : `${path}/`}${decode(id)}`);
    }
  };
  readDirectory(volume.subarray(156, 190), '');
  return { label: decode(volume.subarray(40, 72)).trimEnd(), files };
};
