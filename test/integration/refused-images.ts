import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { renderIso } from '@etcd-compute/agent/guest-config/iso9660';
import type { ImageFault } from '@etcd-compute/testing/image-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { BAD_IMAGES, qcow2 } from '../../packages/agent/test/images/format/bad-images.js';
import { rawImage } from './agent-world.js';

/** Everything that is asked for as an image and must be refused; `docs/refused-images.md` is made of it. */
export interface RefusedImage {
  /** For people, and the name of its file unless `url` is given. */
  readonly what: string;
  /** Behind the URL; a disk that is good when left out. */
  readonly content?: Buffer | string;
  readonly fault?: ImageFault;
  readonly url?: string;
  /** A digest, or what a list of checksums beside the image has in it. */
  readonly checksum?: string;
  readonly list?: string;
  /** It is a good image for a larger disk, so the cache keeps it. */
  readonly isKept?: true;
}

export interface Section {
  readonly title: string;
  readonly images: readonly RefusedImage[];
}

/** More than `images.max_size` of the test's agent. */
export const MAX_BYTES = 16 * 1024 * 1024;

const HEADERS: readonly RefusedImage[] = BAD_IMAGES.map(([what, content]) => ({ what, content }));

/** As QEMU makes them. */
const QEMU: readonly (readonly [what: string, argv: readonly string[]])[] = [
  ['VMDK', ['-f', 'vmdk', '1M']],
  ['VMDK, stream-optimized', ['-f', 'vmdk', '-o', 'subformat=streamOptimized', '1M']],
  ['VHD, dynamic', ['-f', 'vpc', '1M']],
  ['VHD, fixed', ['-f', 'vpc', '-o', 'subformat=fixed', '1M']],
  ['VHDX', ['-f', 'vhdx', '1M']],
  ['VDI', ['-f', 'vdi', '1M']],
  ['QED', ['-f', 'qed', '1M']],
  ['Parallels', ['-f', 'parallels', '1M']],
  ['qcow, version 1', ['-f', 'qcow', '1M']],
  ['qcow2 on /etc/passwd', ['-f', 'qcow2', '-u', '-F', 'raw', '-b', '/etc/passwd', '1M']],
  ['qcow2 on a URL', ['-f', 'qcow2', '-u', '-F', 'raw', '-b', 'json:{"driver":"https","url":"https://x/"}', '1M']],
  ['qcow2 with its data elsewhere', ['-f', 'qcow2', '-o', 'data_file=/tmp/nowhere,data_file_raw=on', '1M']],
  ['qcow2 with extended L2 entries', ['-f', 'qcow2', '-o', 'extended_l2=on', '1M']],
  // Not by LUKS: on a busy machine, QEMU gives up measuring how many rounds of its key function take long enough.
  ['qcow2 encrypted with AES', ['-f', 'qcow2', '-o', 'encrypt.format=aes,encrypt.key-secret=s', '1M']],
];

/** `data_file` is made too; its name is where the test may write. */
const makeByQemu = async (dir: string): Promise<RefusedImage[]> =>
  Promise.all(
    QEMU.map(async ([what, argv], index) => {
      const path = join(dir, `qemu-${index}`);
      const size = argv.at(-1) ?? '';
      const options = argv.slice(0, -1).map((option) => option.replace('/tmp/nowhere', `${path}.data`));
      await runCommand(['qemu-img', 'create', '-q', '--object', 'secret,id=s,data=x', ...options, path, size]);
      return { what: `${what}, as qemu-img makes it`, content: await readFile(path) };
    }),
  );

const ISO = renderIso('debian', [{ path: 'README', content: Buffer.from('hello\n') }]);

/** A few KiB when packed. */
const BOMB = rawImage(2 * MAX_BYTES);
const RANDOM = ((): Buffer => {
  const image = randomBytes(200_000);
  image.set([0x55, 0xaa], 510);
  return image;
})();

const pack = async (dir: string, argv: readonly string[], content: Buffer): Promise<Buffer> => {
  const path = join(dir, `to-pack-${argv[0]}-${content.length}`);
  await writeFile(path, content);
  await runCommand(['sh', '-c', `${argv.join(' ')} < ${path} > ${path}.packed`]);
  return readFile(`${path}.packed`);
};

const PACKERS = [
  ['gzip', '--stdout'],
  ['xz', '--stdout', '-1'],
  ['zstd', '--stdout', '--quiet'],
] as const;

const makePacked = async (dir: string): Promise<RefusedImage[]> => {
  const made: RefusedImage[] = [];
  for (const argv of PACKERS) {
    const [name] = argv;
    const packed = await pack(dir, argv, RANDOM);
    made.push(
      { what: `${name}: a bomb of 32 MiB`, content: await pack(dir, argv, BOMB) },
      { what: `${name}, cut off`, content: packed.subarray(0, 100_000) },
      {
        what: `${name} of a qcow2 with a backing file`,
        content: await pack(dir, argv, qcow2({ backingOffset: 512n })),
      },
    );
  }
  return [...made, { what: 'gzip of gzip', content: gzipSync(gzipSync(RANDOM)) }];
};

const sha256 = createHash('sha256').update(rawImage()).digest('hex');

/** An address that is nobody's business, however it is written. */
const ADDRESSES = [
  '127.0.0.1',
  'localhost',
  '0.0.0.0',
  '0x7f000001',
  '2130706433',
  '127.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '100.64.0.1',
  '169.254.169.254',
  '224.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[fe80::1]',
  '[fd00::1]',
  '[ff02::1]',
];

const FAULTS: readonly (readonly [fault: ImageFault, what: string])[] = [
  ['404', 'there is no such file'],
  ['500', 'the server is broken'],
  ['html', 'a page to log in, with status 200'],
  ['empty', 'nothing, with status 200'],
  ['hang', 'no answer'],
  ['hang-body', 'half of it, then nothing'],
  ['cut', 'half of it, then a reset, each time'],
];

export interface Servers {
  readonly dir: string;
  /** URLs that redirect, by name. */
  readonly redirects: Readonly<Record<string, string>>;
}

export const makeRefusedImages = async ({ dir, redirects }: Servers): Promise<Section[]> => [
  // First, as they take the longest.
  {
    title: 'Servers',
    images: FAULTS.map(([fault, what]) => ({ what, fault })),
  },
  { title: 'Files that are no disk images, or none that may be used', images: HEADERS },
  {
    title: 'The same as other programs make them',
    images: [
      ...(await makeByQemu(dir)),
      { what: 'an ISO, named debian.qcow2', content: ISO },
      { what: 'an ISO, named debian.raw', content: ISO },
    ],
  },
  {
    title: 'Sizes',
    images: [
      { what: 'more than images.max_size', content: rawImage(MAX_BYTES + 512) },
      { what: 'qcow2 of 5 GiB for a disk of 1 GiB', content: qcow2({ virtualSize: 5n * 2n ** 30n }), isKept: true },
      ...(await makePacked(dir)),
    ],
  },
  {
    title: 'Checksums',
    images: [
      { what: 'another SHA-256', checksum: `sha256:${'0'.repeat(64)}` },
      { what: 'another SHA-512', checksum: `sha512:${'0'.repeat(128)}` },
      { what: 'a list with another digest', list: `${'0'.repeat(64)}  $NAME\n` },
      { what: 'a list without the image', list: `${sha256}  other.img\n` },
      { what: 'a list with two digests', list: `${sha256}  $NAME\n${'0'.repeat(64)}  x/$NAME\n` },
      { what: 'a list that is a web page', list: '<!doctype html><p>please log in</p>' },
      { what: 'a list of 2 MiB', list: '#'.repeat(2 ** 21) },
      { what: 'a list at an address that may not be asked', checksum: 'http://169.254.169.254/SHA256SUMS' },
    ],
  },
  {
    title: 'URLs',
    images: [
      ...[
        'ftp://mirror/x.img',
        'file:///etc/passwd',
        '/etc/passwd',
        'not a url',
        'javascript:1',
        'data:,x',
        'http://',
      ].map((url) => ({ what: url, url })),
      { what: 'https://me:secret@mirror.example/x', url: 'https://me:secret@mirror.example/x' },
      ...ADDRESSES.map((address) => ({ what: `http://${address}/x`, url: `http://${address}/x` })),
      ...Object.entries(redirects).map(([what, url]) => ({ what, url })),
    ],
  },
];
