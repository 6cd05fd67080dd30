import { createHash } from 'node:crypto';
import { appendFile, copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildGuestImage } from '@etcd-compute/testing/guest-image';
import { startImageServer, type ImageFault } from '@etcd-compute/testing/image-server';

/** The images that people boot from, on one server. Each has a content of its own, which may change. */
export interface Images extends AsyncDisposable {
  readonly port: number;
  /** Made when it is first asked for. */
  readonly find: (name: string) => Promise<Image>;
  /** From now on its URL gives another content. */
  readonly change: (name: string) => Promise<void>;
  /** Of all images; undefined ends it. */
  readonly setFault: (fault: ImageFault | undefined) => void;
}

export interface Image {
  readonly url: string;
  /** Of what the URL gives now. */
  readonly checksum: string;
}

/** Of no image. */
export const WRONG_CHECKSUM = `sha256:${'0'.repeat(64)}`;

const CACHE = join(import.meta.dirname, '../../.cache');
const SECTOR = 512;

export const openImages = async ({ dir, hasGuests }: { dir: string; hasGuests: boolean }): Promise<Images> => {
  await mkdir(dir, { recursive: true });
  const server = await startImageServer({});
  const images = new Map<string, Promise<Image>>();
  let versions = 0;
  let current: ImageFault | undefined;

  const make = async (name: string): Promise<Image> => {
    versions += 1;
    const path = join(dir, `${name}-${versions}.raw`);
    await writeImage(path, { label: `${name} ${versions}`, hasGuests });
    const digits = createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
    server.setFile(name, path);
    server.setFault(name, current);
    return { url: server.url(name), checksum: `sha256:${digits}` };
  };
  return {
    port: server.port,
    find: async (name) => {
      const image = images.get(name) ?? make(name);
      images.set(name, image);
      return image;
    },
    change: async (name) => {
      images.set(name, make(name));
      await images.get(name);
    },
    setFault: (fault) => {
      current = fault;
      for (const name of images.keys()) server.setFault(name, fault);
    },
    [Symbol.asyncDispose]: async () => server.stop(),
  };
};

/** With guests the one that boots, and a last sector that nobody reads; else a few sectors with a boot sector's mark. */
const writeImage = async (path: string, { label, hasGuests }: { label: string; hasGuests: boolean }): Promise<void> => {
  if (hasGuests) {
    await copyFile((await buildGuestImage(CACHE)).path, path);
    const last = Buffer.alloc(SECTOR);
    last.write(label);
    await appendFile(path, last);
    return;
  }
  const content = Buffer.alloc(8 * SECTOR);
  content.write(label, 16);
  content.set([0x55, 0xaa], 510);
  await writeFile(path, content);
};
