/**
 * Files that are no disk images, or none that may be used: what each is, and what is said of it. One list for the tests of what reads
 * headers and for the one that boots them, which makes `docs/refused-images.md` of it.
 */
const GIB = 1024 ** 3;

const toBuffer = (bytes: string | readonly number[]): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : Buffer.from(bytes);

/** Zeros with some bytes written over them. */
export const file = (
  size: number,
  ...parts: readonly (readonly [offset: number, bytes: string | readonly number[]])[]
) => {
  const content = Buffer.alloc(size);
  for (const [offset, bytes] of parts) toBuffer(bytes).copy(content, offset);
  return content;
};
export const bootSector = [510, [0x55, 0xaa]] as const;

interface Qcow2 {
  readonly version?: number;
  readonly backingOffset?: bigint;
  readonly clusterBits?: number;
  readonly virtualSize?: bigint;
  readonly cryptMethod?: number;
  readonly incompatible?: bigint;
  readonly l1Entries?: number;
  readonly l1Offset?: bigint;
  readonly refcountOffset?: bigint;
  readonly refcountClusters?: number;
  readonly refcountOrder?: number;
  readonly headerLength?: number;
  readonly snapshots?: number;
  readonly snapshotsOffset?: bigint;
}

/** https://www.qemu.org/docs/master/interop/qcow2.html */
export const qcow2 = ({
  version = 3,
  backingOffset = 0n,
  clusterBits = 16,
  virtualSize = BigInt(GIB),
  cryptMethod = 0,
  incompatible = 0n,
  l1Entries = 16,
  l1Offset = 0x1_0000n,
  refcountOffset = 0x2_0000n,
  refcountClusters = 1,
  refcountOrder = 4,
  headerLength = 104,
  snapshots = 0,
  snapshotsOffset = 0n,
}: Qcow2 = {}): Buffer => {
  const content = Buffer.alloc(0x3_0000);
  content.write('QFI\u00fb', 0, 'latin1');
  content.writeUInt32BE(version, 4);
  content.writeBigUInt64BE(backingOffset, 8);
  content.writeUInt32BE(clusterBits, 20);
  content.writeBigUInt64BE(virtualSize, 24);
  content.writeUInt32BE(cryptMethod, 32);
  content.writeUInt32BE(l1Entries, 36);
  content.writeBigUInt64BE(l1Offset, 40);
  content.writeBigUInt64BE(refcountOffset, 48);
  content.writeUInt32BE(refcountClusters, 56);
  content.writeUInt32BE(snapshots, 60);
  content.writeBigUInt64BE(snapshotsOffset, 64);
  if (version === 2) return content;
  content.writeBigUInt64BE(incompatible, 72);
  content.writeUInt32BE(refcountOrder, 96);
  content.writeUInt32BE(headerLength, 100);
  return content;
};

export type BadImage = readonly [what: string, content: Buffer | string, reason: string];

export const BAD_IMAGES: readonly BadImage[] = [
  ['a web page', '<!doctype html><p>please log in</p>\n', 'begin with "<!doctype html><p>please log in</p>"'],
  ['nothing', '', 'neither qcow2 nor a raw disk with a boot sector; 0 bytes'],
  ['zeros', file(4096), 'neither qcow2 nor a raw disk'],
  ['a boot sector that is cut off', file(511, [510, [0x55]]), 'neither qcow2 nor a raw disk'],
  ['a file system without a boot sector', file(4096, [1080, [0x53, 0xef]]), 'neither qcow2 nor a raw disk'],
  ['qcow2 with a backing file', qcow2({ backingOffset: 512n }), 'it refers to a backing file'],
  ['qcow2 of version 2 with a backing file', qcow2({ version: 2, backingOffset: 1n }), 'backing file'],
  ['qcow2 with an external data file', qcow2({ incompatible: 4n }), '"external data file"'],
  ['qcow2 with an external data file, and dirty', qcow2({ incompatible: 5n }), '"external data file"'],
  ['qcow2 that is corrupt', qcow2({ incompatible: 2n }), '"corrupt"'],
  ['qcow2 with extended L2 entries', qcow2({ incompatible: 16n }), '"extended L2 entries"'],
  ['qcow2 with a feature of the future', qcow2({ incompatible: 1n << 40n }), '"bit 40"'],
  ['qcow2 encrypted with AES', qcow2({ cryptMethod: 1 }), 'it is encrypted'],
  ['qcow2 encrypted with LUKS', qcow2({ cryptMethod: 2 }), 'it is encrypted'],
  ['qcow version 1', qcow2({ version: 1 }), 'qcow2 version 1 is unknown'],
  ['qcow2 of the future', qcow2({ version: 4 }), 'qcow2 version 4 is unknown'],
  ['qcow2 with tiny clusters', qcow2({ clusterBits: 8 }), 'its cluster size is out of range (2^8)'],
  ['qcow2 with huge clusters', qcow2({ clusterBits: 22 }), 'its cluster size is out of range (2^22)'],
  ['qcow2 of no size', qcow2({ virtualSize: 0n }), 'its virtual size is out of range (0 bytes)'],
  ['qcow2 of an absurd size', qcow2({ virtualSize: 1n << 60n }), 'its virtual size is out of range'],
  ['qcow2 whose L1 table is too small', qcow2({ l1Entries: 1 }), 'its L1 table is too small for its virtual size'],
  ['qcow2 without an L1 table', qcow2({ l1Entries: 0 }), 'its L1 table is too small'],
  ['qcow2 with a huge L1 table', qcow2({ l1Entries: 0xffff_ffff }), 'its L1 table is absurdly large'],
  ['qcow2 with the L1 table past the end', qcow2({ l1Offset: 0x3_0000n }), 'its L1 table is beyond the end'],
  ['qcow2 with an L1 table that wraps around', qcow2({ l1Offset: 0xffff_ffff_ffff_0000n }), 'L1 table is beyond'],
  ['qcow2 with an L1 table in its header', qcow2({ l1Offset: 0n }), 'its L1 table is at no cluster'],
  ['qcow2 with an L1 table between clusters', qcow2({ l1Offset: 0x1_0200n }), 'its L1 table is at no cluster'],
  ['qcow2 without a refcount table', qcow2({ refcountClusters: 0 }), 'it has no refcount table'],
  ['qcow2 with a huge refcount table', qcow2({ refcountClusters: 0xffff_ffff }), 'its refcount table is absurdly'],
  ['qcow2 with the refcount table past the end', qcow2({ refcountOffset: 1n << 40n }), 'its refcount table is beyond'],
  ['qcow2 that was cut after its header', qcow2().subarray(0, 0x1_0000), 'its L1 table is beyond the end'],
  ['qcow2 with wide refcounts', qcow2({ refcountOrder: 7 }), 'its reference counts are too wide'],
  ['qcow2 with a short header', qcow2({ headerLength: 72 }), 'its header has an absurd length (72)'],
  ['qcow2 with an endless header', qcow2({ headerLength: 0x1_0001 }), 'its header has an absurd length'],
  ['qcow2 with too many snapshots', qcow2({ snapshots: 65_537, snapshotsOffset: 0x1_0000n }), 'snapshots is absurd'],
  ['qcow2 with snapshots past the end', qcow2({ snapshots: 1, snapshotsOffset: 1n << 40n }), 'snapshots is absurd'],
  ['qcow2 of which only the magic is left', qcow2().subarray(0, 60), 'neither qcow2 nor a raw disk'],
  ['VMDK', file(4096, [0, 'KDMV']), 'it is a VMDK image'],
  ['VMDK that would pass as a boot sector', file(4096, [0, 'KDMV'], bootSector), 'it is a VMDK image'],
  ['an old VMDK', file(4096, [0, 'COWD']), 'it is a VMDK image'],
  ['a VMDK descriptor', '# Disk DescriptorFile\nversion=1\n', 'it is a VMDK descriptor'],
  ['VDI', file(4096, [64, [0x7f, 0x10, 0xda, 0xbe]], bootSector), 'it is a VDI image'],
  ['dynamic VHD', file(4096, [0, 'conectix']), 'it is a VHD image'],
  ['VHDX', file(4096, [0, 'vhdxfile']), 'it is a VHDX image'],
  ['QED', file(4096, [0, 'QED\0'], bootSector), 'it is a QED image'],
  ['gzip', file(4096, [0, [0x1f, 0x8b, 8]], bootSector), 'it is gzip data'],
  ['xz', file(4096, [0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]]), 'it is xz data'],
  ['zstd', file(4096, [0, [0x28, 0xb5, 0x2f, 0xfd]]), 'it is zstd data'],
  ['fixed VHD, which ends with its mark', file(4608, [4096, 'conectix'], bootSector), 'it is a VHD image'],
  ['DMG', file(4608, [4096, 'koly'], bootSector), 'it is a DMG image'],
  ['Parallels', file(4096, [0, 'WithoutFreeSpace'], bootSector), 'it is a Parallels image'],
  ['LUKS', file(4096, [0, 'LUKS\u00ba\u00be'], bootSector), 'it is encrypted by LUKS'],
  ['ISO', file(40_960, [32_769, 'CD001']), 'it is an ISO 9660 file system'],
  ['ISO that also starts from a disk', file(40_960, [32_769, 'CD001'], bootSector), 'it is an ISO 9660 file system'],
  ['a DVD', file(40_960, [32_769, 'BEA01'], bootSector), 'it is a file system for DVDs'],
  ['ZIP', file(4096, [0, 'PK\u0003\u0004']), 'it is a ZIP archive'],
];
