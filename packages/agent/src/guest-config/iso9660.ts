/**
 * A read-only file system in one buffer: ISO 9660 (ECMA-119) with Joliet names, which Linux, the BSDs and Windows all read, and
 * which needs no program of the host. Just what a config drive needs: few small files, and the same bytes for the same files.
 *
 *   sector 16, 17, 18   volume descriptors: ISO, Joliet, end
 *   then                a path table in both byte orders for each of the two
 *   then                the directories of each of the two, one sector each
 *   then                the files, which both share
 *
 * https://ecma-international.org/publications-and-standards/standards/ecma-119/, Joliet Specification 1.0 (1995)
 */

const SECTOR = 2048;
const FIRST_DESCRIPTOR = 16;

export interface IsoFile {
  /** Relative, with slashes, such as `openstack/latest/meta_data.json`. */
  readonly path: string;
  readonly content: Buffer;
}

/** How names are written in one of the two trees. */
interface Naming {
  readonly encode: (text: string) => Buffer;
  readonly fileId: (name: string) => Buffer;
  readonly directoryId: (name: string) => Buffer;
}

const plainName = (name: string): string => name.toUpperCase().replace(/[^A-Z0-9_.]/g, '_');

const ISO_NAMES: Naming = {
  encode: (text) => Buffer.from(text, 'latin1'),
  fileId: (name) => Buffer.from(`${plainName(name)}${name.includes('.') ? '' : '.'};1`, 'latin1'),
  directoryId: (name) => Buffer.from(plainName(name), 'latin1'),
};

const bigEndianText = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

const JOLIET_NAMES: Naming = {
  encode: bigEndianText,
  fileId: (name) => bigEndianText(`${name};1`),
  directoryId: bigEndianText,
};

interface Extent {
  readonly sector: number;
  readonly bytes: number;
}

interface Directory {
  readonly name: string;
  readonly parent: Directory | undefined;
  readonly directories: Map<string, Directory>;
  readonly files: Map<string, Extent>;
}

const newDirectory = (name: string, parent: Directory | undefined): Directory => ({
  name,
  parent,
  directories: new Map(),
  files: new Map(),
});

const sectorsOf = (bytes: number): number => Math.ceil(bytes / SECTOR);

/** A number as ISO 9660 likes it: little-endian, then big-endian. */
const both16 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt16LE(value, 0);
  buffer.writeUInt16BE(value, 2);
  return buffer;
};
const both32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(8);
  buffer.writeUInt32LE(value, 0);
  buffer.writeUInt32BE(value, 4);
  return buffer;
};

/** Always the same day, so that the same files give the same bytes: 1 January 2000, UTC. */
const RECORD_DATE = Buffer.from([100, 1, 1, 0, 0, 0, 0]);
const VOLUME_DATE = Buffer.from('2000010100000000\0', 'latin1');
const NO_DATE = Buffer.from('0000000000000000\0', 'latin1');

/** ECMA-119 9.1 */
const directoryRecord = (id: Buffer, { sector, bytes }: Extent, isDirectory: boolean): Buffer => {
  const length = 33 + id.length + ((33 + id.length) % 2);
  const record = Buffer.alloc(length);
  record.writeUInt8(length, 0);
  both32(sector).copy(record, 2);
  both32(bytes).copy(record, 10);
  RECORD_DATE.copy(record, 18);
  record.writeUInt8(isDirectory ? 2 : 0, 25);
  both16(1).copy(record, 28);
  record.writeUInt8(id.length, 32);
  id.copy(record, 33);
  return record;
};

const SELF = Buffer.from([0]);
const PARENT = Buffer.from([1]);

/** One of the two trees: where its directories and path tables lie. */
interface Tree {
  readonly naming: Naming;
  /** Level by level, as the path table wants it. */
  readonly directories: readonly Directory[];
  readonly firstSector: number;
  readonly pathTables: { readonly little: number; readonly big: number };
}

const extentOf = (directory: Directory, { directories, firstSector }: Tree): Extent => ({
  sector: firstSector + directories.indexOf(directory),
  bytes: SECTOR,
});

const renderDirectory = (directory: Directory, tree: Tree): Buffer => {
  const { naming } = tree;
  const entries = [
    ...[...directory.directories.values()].map((inner) => ({
      id: naming.directoryId(inner.name),
      extent: extentOf(inner, tree),
      isDirectory: true,
    })),
    ...[...directory.files].map(([name, extent]) => ({ id: naming.fileId(name), extent, isDirectory: false })),
  ].toSorted((one, other) => Buffer.compare(one.id, other.id));
  const content = Buffer.concat([
    directoryRecord(SELF, extentOf(directory, tree), true),
    directoryRecord(PARENT, extentOf(directory.parent ?? directory, tree), true),
    ...entries.map(({ id, extent, isDirectory }) => directoryRecord(id, extent, isDirectory)),
  ]);
  if (content.length > SECTOR) throw new Error(`too many files in the folder '${directory.name}' of a config drive`);
  return pad(content, SECTOR);
};

/** ECMA-119 9.4 */
const renderPathTable = (tree: Tree, order: 'little' | 'big'): Buffer =>
  Buffer.concat(
    tree.directories.map((directory) => {
      const id = directory.parent ? tree.naming.directoryId(directory.name) : SELF;
      const record = Buffer.alloc(8 + id.length + (id.length % 2));
      const parent = tree.directories.indexOf(directory.parent ?? directory) + 1;
      record.writeUInt8(id.length, 0);
      const { sector } = extentOf(directory, tree);
      if (order === 'little') {
        record.writeUInt32LE(sector, 2);
        record.writeUInt16LE(parent, 6);
      } else {
        record.writeUInt32BE(sector, 2);
        record.writeUInt16BE(parent, 6);
      }
      id.copy(record, 8);
      return record;
    }),
  );

const pad = (content: Buffer, length: number): Buffer =>
  Buffer.concat([content, Buffer.alloc(length - content.length)]);

/** A text field of a volume descriptor, filled up with spaces. */
const textField = ({ encode }: Naming, text: string, length: number): Buffer => {
  const blank = encode(' '.repeat(Math.floor(length / encode(' ').length)));
  return pad(Buffer.concat([encode(text), blank]).subarray(0, blank.length), length);
};

interface DescriptorOptions {
  readonly label: string;
  readonly tree: Tree;
  readonly root: Directory;
  readonly totalSectors: number;
}

/** ECMA-119 8.4 and 8.5; Joliet is a supplementary descriptor with the escape sequence of UCS-2 level 3. */
const renderDescriptor = ({ label, tree, root, totalSectors }: DescriptorOptions): Buffer => {
  const { naming } = tree;
  const isJoliet = naming === JOLIET_NAMES;
  const text = (value: string, length: number): Buffer => textField(naming, value, length);
  const littleSector = Buffer.alloc(4);
  littleSector.writeUInt32LE(tree.pathTables.little);
  const bigSector = Buffer.alloc(4);
  bigSector.writeUInt32BE(tree.pathTables.big);
  const fields = [
    Buffer.from([isJoliet ? 2 : 1]),
    Buffer.from('CD001\u0001\0', 'latin1'),
    text('', 32),
    text(label, 32),
    Buffer.alloc(8),
    both32(totalSectors),
    pad(Buffer.from(isJoliet ? '%/E' : '', 'latin1'), 32),
    both16(1),
    both16(1),
    both16(SECTOR),
    both32(renderPathTable(tree, 'little').length),
    littleSector,
    Buffer.alloc(4),
    bigSector,
    Buffer.alloc(4),
    directoryRecord(SELF, extentOf(root, tree), true),
    ...[128, 128, 128, 128, 37, 37, 37].map((length) => text('', length)),
    VOLUME_DATE,
    VOLUME_DATE,
    NO_DATE,
    NO_DATE,
    Buffer.from([1]),
  ];
  return pad(Buffer.concat(fields), SECTOR);
};

const END = pad(Buffer.from('\u00ffCD001\u0001', 'latin1'), SECTOR);

const listLevelByLevel = (root: Directory): Directory[] => {
  const listed = [root];
  // Grows while it is walked.
  for (const directory of listed)
    listed.push(...[...directory.directories.values()].toSorted((one, other) => (one.name < other.name ? -1 : 1)));
  return listed;
};

const placeFile = (root: Directory, path: string, extent: Extent): void => {
  const names = path.split('/');
  const fileName = names.pop() ?? path;
  let directory = root;
  for (const name of names) {
    const inner = directory.directories.get(name) ?? newDirectory(name, directory);
    directory.directories.set(name, inner);
    directory = inner;
  }
  directory.files.set(fileName, extent);
};

/**
 * Renders the file system.
 *
 * @param label up to 16 characters; what the guest finds it by.
 */
export const renderIso = (label: string, files: readonly IsoFile[]): Buffer => {
  const countDirectories =
    new Set(
      files.flatMap(({ path }) =>
        path
          .split('/')
          .slice(0, -1)
          .map((_, index, parts) => parts.slice(0, index + 1).join('/')),
      ),
    ).size + 1;
  const firstPathTable = FIRST_DESCRIPTOR + 3;
  const firstDirectory = firstPathTable + 4;
  const firstFile = firstDirectory + 2 * countDirectories;

  const root = newDirectory('', undefined);
  let next = firstFile;
  for (const { path, content } of files) {
    placeFile(root, path, { sector: next, bytes: content.length });
    next += sectorsOf(content.length);
  }
  const directories = listLevelByLevel(root);
  const trees: readonly Tree[] = [ISO_NAMES, JOLIET_NAMES].map((naming, index) => ({
    naming,
    directories,
    firstSector: firstDirectory + index * countDirectories,
    pathTables: { little: firstPathTable + 2 * index, big: firstPathTable + 2 * index + 1 },
  }));
  return Buffer.concat([
    Buffer.alloc(FIRST_DESCRIPTOR * SECTOR),
    ...trees.map((tree) => renderDescriptor({ label, tree, root, totalSectors: next })),
    END,
    ...trees.flatMap((tree) => [
      pad(renderPathTable(tree, 'little'), SECTOR),
      pad(renderPathTable(tree, 'big'), SECTOR),
    ]),
    ...trees.flatMap((tree) => directories.map((directory) => renderDirectory(directory, tree))),
    ...files.map(({ content }) => pad(content, sectorsOf(content.length) * SECTOR)),
  ]);
};
