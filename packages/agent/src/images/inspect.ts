import { open, type FileHandle } from 'node:fs/promises';
import { EcomputeError } from '@etcd-compute/common/errors';

/**
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
  bytes: typeof bytes === 'string' ? Buffer.from(bytes) : Buffer.from(bytes),
});

const REFUSED: readonly Signature[] = [
  signature('a VMDK image', 0, 'KDMV'),
  signature('a VMDK image', 0, 'COWD'),
  signature('a VMDK descriptor', 0, '# Disk DescriptorFile'),
  signature('a VHD image', 0, 'conectix'),
  signature('a VHDX image', 0, 'vhdxfile'),
  signature('a VDI image', 64, [0x7f, 0x10, 0xda, 0xbe]),
  signature('a QED image', 0, 'QED\0'),
  signature('gzip data', 0, [0x1f, 0x8b]),
  signature('xz data', 0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]),
  signature('zstd data', 0, [0x28, 0xb5, 0x2f, 0xfd]),
  signature('a ZIP archive', 0, 'PK\u0003\u0004'),
];
/** Where a boot sector, and the protective one before a GPT, ends with 55 AA. */
const BOOT_SIGNATURE = signature('boot sector', 510, [0x55, 0xaa]);
const HEADER_BYTES = 4096;

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

const inspectFile = async (file: FileHandle, what: string): Promise<ImageInfo> => {
  const { size } = await file.stat();
  const header = Buffer.alloc(HEADER_BYTES);
  const { bytesRead } = await file.read(header, 0, HEADER_BYTES, 0);
  if (bytesRead >= 104 && header.readUInt32BE(0) === QCOW2_MAGIC) return inspectQcow2(header, what);
  const refused = REFUSED.find((known) => has(header, known));
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

const inspectQcow2 = (header: Buffer, what: string): ImageInfo => {
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
  return { format: 'qcow2', virtualSizeBytes: Number(virtualSize) };
};
