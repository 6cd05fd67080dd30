import { open, type FileHandle } from 'node:fs/promises';
import { EcomputeError } from '../errors.js';

/*
 * Reads the header of a disk image. Only raw and qcow2 are taken; nothing else ever guesses a format: libvirt and QEMU are told.
 * A qcow2 that refers to another file (backing file, external data file) could read the host's own files, so it is refused
 * before anything opens it. https://www.qemu.org/docs/master/interop/qcow2.html
 */

export interface ImageInfo {
  readonly format: 'raw' | 'qcow2';
  /** What the guest sees. */
  readonly virtualSizeBytes: number;
}

const QCOW2_MAGIC = 0x51_46_49_fb;
/** Bits of `incompatible_features` that change nothing about trust: dirty, corrupt is refused, external data is refused, compression type. */
const QCOW2_ALLOWED_FEATURES = 0b0_1001n;
const QCOW2_FEATURE_NAMES = ['dirty', 'corrupt', 'external data file', 'compression type', 'extended L2 entries'];

interface Signature {
  readonly name: string;
  readonly offset: number;
  readonly bytes: Buffer;
}

const signature = (name: string, offset: number, bytes: string | number[]): Signature => ({
  name,
  offset,
  bytes: typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes),
});

const REFUSED: readonly Signature[] = [
  signature('a VMDK image', 0, 'KDMV'),
  signature('a VMDK image', 0, 'COWD'),
  signature('a VMDK descriptor', 0, '# Disk DescriptorFile'),
  signature('a VHD image', 0, 'conectix'),
  signature('a VHDX image', 0, 'vhdxfile'),
  signature('a VDI image', 64, [0x7f, 0x10, 0xda, 0xbe]),
  signature('a QED image', 0, 'QED\0'),
  signature('a Parallels image', 0, 'WithoutFreeSpace'),
  signature('a Parallels image', 0, 'WithouFreSpacExt'),
  signature('encrypted by LUKS', 0, 'LUKS\u{ba}\u{be}'),
  signature('an ISO 9660 file system', 32_769, 'CD001'),
  signature('a file system for DVDs', 32_769, 'BEA01'),
  signature('gzip data', 0, [0x1f, 0x8b]),
  signature('xz data', 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  signature('zstd data', 0, [0x28, 0xb5, 0x2f, 0xfd]),
  signature('a ZIP archive', 0, 'PK\u0003\u0004'),
];
/** These formats end with a block of their own. */
const REFUSED_AT_THE_END: readonly Signature[] = [
  signature('a VHD image', 0, 'conectix'),
  signature('a DMG image', 0, 'koly'),
];
const FOOTER_BYTES = 512;
/** Where a boot sector, and the protective one before a GPT, ends with 55 AA. */
const BOOT_SIGNATURE = signature('boot sector', 510, [0x55, 0xaa]);
/** As far as the mark of an ISO. */
const HEADER_BYTES = 36_864;

const unusable = (what: string, reason: string): EcomputeError =>
  new EcomputeError('ECOMPUTE_IMAGE_NOT_USABLE', `${what} is not usable as a disk image: ${reason}`, {
    hint: 'give the URL of a raw or qcow2 disk image',
  });

const has = (header: Buffer, { offset, bytes }: Signature): boolean =>
  header.subarray(offset, offset + bytes.length).equals(bytes);

/**
 * @param what names the image in errors: its URL.
 * @throws EcomputeError ECOMPUTE_IMAGE_NOT_USABLE
 */
export const inspectImage = async (path: string, what: string): Promise<ImageInfo> => {
  const file = await open(path, 'r');
  try {
    return await inspectFile(file, what);
  } finally {
    await file.close();
  }
};

/** The format of a file that was made from an image that was inspected, and that no guest has written to. */
export const formatOfFile = async (path: string): Promise<ImageInfo['format']> => {
  await using file = await open(path, 'r');
  const magic = Buffer.alloc(4);
  await file.read(magic, 0, magic.length, 0);
  return magic.readUInt32BE(0) === QCOW2_MAGIC ? 'qcow2' : 'raw';
};

const inspectFile = async (file: FileHandle, what: string): Promise<ImageInfo> => {
  const { size } = await file.stat();
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead >= 104 && header.readUInt32BE(0) === QCOW2_MAGIC) return inspectQcow2(header, { size, what });
  const footer = Buffer.alloc(FOOTER_BYTES);
  await file.read(footer, 0, FOOTER_BYTES, Math.max(0, size - FOOTER_BYTES));
  const refused = REFUSED.find((known) => has(header, known)) ?? REFUSED_AT_THE_END.find((known) => has(footer, known));
  if (refused) throw unusable(what, `it is ${refused.name}`);
  if (size < 512 || !has(header, BOOT_SIGNATURE)) {
    const text = header
      .subarray(0, 60)
      .toString('latin1')
      .replaceAll(/[^\x20-\x7e]+/g, ' ')
      .trim();
    throw unusable(
      what,
      `it is neither qcow2 nor a raw disk with a boot sector; ${size} bytes that begin with "${text}"`,
    );
  }
  return { format: 'raw', virtualSizeBytes: Math.ceil(size / 512) * 512 };
};

const inspectQcow2 = (header: Buffer, { size, what }: { size: number; what: string }): ImageInfo => {
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw unusable(what, `qcow2 version ${version} is unknown`);
  if (header.readBigUInt64BE(8) !== 0n) throw unusable(what, 'it refers to a backing file');
  const clusterBits = header.readUInt32BE(20);
  if (clusterBits < 9 || clusterBits > 21) throw unusable(what, `its cluster size is out of range (2^${clusterBits})`);
  if (header.readUInt32BE(32) !== 0) throw unusable(what, 'it is encrypted');
  const features = version === 3 ? header.readBigUInt64BE(72) : 0n;
  const refused = features & ~QCOW2_ALLOWED_FEATURES;
  if (refused !== 0n) {
    const bit = refused.toString(2).length - 1;
    throw unusable(what, `it needs the qcow2 feature "${QCOW2_FEATURE_NAMES[bit] ?? `bit ${bit}`}"`);
  }
  const virtualSize = header.readBigUInt64BE(24);
  if (virtualSize === 0n || virtualSize > BigInt(Number.MAX_SAFE_INTEGER))
    throw unusable(what, `its virtual size is out of range (${virtualSize} bytes)`);
  if (version === 3) checkVersion3(header, { clusterBits, what });
  checkTables(header, { size, what, clusterBits, virtualSize });
  return { format: 'qcow2', virtualSizeBytes: Number(virtualSize) };
};

/** What QEMU takes. */
const MAX_REFCOUNT_ORDER = 6;

const checkVersion3 = (header: Buffer, { clusterBits, what }: { clusterBits: number; what: string }): void => {
  const order = header.readUInt32BE(96);
  if (order > MAX_REFCOUNT_ORDER) throw unusable(what, `its reference counts are too wide (2^${order} bits)`);
  const length = header.readUInt32BE(100);
  if (length < 104 || length > 2 ** clusterBits) throw unusable(what, `its header has an absurd length (${length})`);
};

/** QEMU's own bounds, block/qcow2.h: more would only make it take memory. */
const MAX_L1_BYTES = 32n * 1024n * 1024n;
const MAX_REFCOUNT_TABLE_BYTES = 8n * 1024n * 1024n;
const MAX_SNAPSHOTS = 65_536;

interface Table {
  readonly name: string;
  readonly offset: bigint;
  readonly bytes: bigint;
  readonly maxBytes: bigint;
}

const checkTables = (
  header: Buffer,
  { size, what, clusterBits, virtualSize }: { size: number; what: string; clusterBits: number; virtualSize: bigint },
): void => {
  const clusterBytes = 1n << BigInt(clusterBits);
  const l1Entries = BigInt(header.readUInt32BE(36));
  // An entry stands for a cluster of entries of 8 bytes, each of which stands for a cluster.
  const bytesPerL1Entry = clusterBytes * (clusterBytes / 8n);
  if (l1Entries * bytesPerL1Entry < virtualSize) throw unusable(what, 'its L1 table is too small for its virtual size');
  const tables: readonly Table[] = [
    { name: 'L1', offset: header.readBigUInt64BE(40), bytes: l1Entries * 8n, maxBytes: MAX_L1_BYTES },
    {
      name: 'refcount',
      offset: header.readBigUInt64BE(48),
      bytes: BigInt(header.readUInt32BE(56)) * clusterBytes,
      maxBytes: MAX_REFCOUNT_TABLE_BYTES,
    },
  ];
  for (const { name, offset, bytes, maxBytes } of tables) {
    if (bytes === 0n) throw unusable(what, `it has no ${name} table`);
    if (bytes > maxBytes) throw unusable(what, `its ${name} table is absurdly large (${bytes} bytes)`);
    if (offset === 0n || offset % clusterBytes !== 0n) throw unusable(what, `its ${name} table is at no cluster`);
    if (offset + bytes > BigInt(size)) throw unusable(what, `its ${name} table is beyond the end of the file`);
  }
  const snapshots = header.readUInt32BE(60);
  const snapshotsAt = header.readBigUInt64BE(64);
  if (snapshots > MAX_SNAPSHOTS || (snapshots > 0 && (snapshotsAt === 0n || snapshotsAt >= BigInt(size))))
    throw unusable(what, 'its table of snapshots is absurd');
};
