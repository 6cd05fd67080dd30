import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '@etcd-compute/testing/run-command';
import { eapiProgram, type EapiServer } from '@etcd-compute/testing/eapi';

interface Reply {
  readonly status: number;
  /** Whatever it is: tests say what they look for. */
  readonly body: any; // eslint-disable-line typescript/no-explicit-any -- see above
}

interface Downloaded {
  readonly status: number;
  readonly range: string | null;
  readonly content: Buffer;
}

/** Asks a server for images, by paths below its version. */
export interface ImageClient {
  readonly token: string;
  readonly get: (path: string) => Promise<Reply>;
  readonly post: (path: string, body: unknown) => Promise<Reply>;
  readonly put: (path: string, body: unknown) => Promise<Reply>;
  readonly patch: (path: string, body: unknown) => Promise<Reply>;
  readonly delete: (path: string) => Promise<Reply>;
  /** A raw one if nothing else is said. @returns its id. */
  readonly create: (image: Readonly<Record<string, unknown>>) => Promise<string>;
  readonly upload: (id: string, content: Buffer, what?: 'file' | 'stage') => Promise<Reply>;
  readonly download: (id: string, range?: string) => Promise<Downloaded>;
  /** Who asks another server, by the same token. */
  readonly at: (server: EapiServer) => ImageClient;
  /** Somebody else, in a project of his own. */
  readonly as: (token: string) => ImageClient;
}

/** Makes the first user, and asks as he. */
export const openImageClient = async (server: EapiServer, clouds: string): Promise<ImageClient> => {
  const { stdout } = await runCommand([
    process.execPath,
    eapiProgram,
    'bootstrap',
    '--config',
    server.configPath,
    '--clouds',
    clouds,
  ]);
  const domain = { id: 'default' };
  const password = { user: { name: 'admin', domain, password: stdout.trim() } };
  const auth = { identity: { methods: ['password'], password }, scope: { project: { name: 'admin', domain } } };
  const response = await fetch(`${server.authUrl}/auth/tokens`, { method: 'POST', body: JSON.stringify({ auth }) });
  return clientOf(server, response.headers.get('x-subject-token') ?? '');
};

const PATCH = 'application/openstack-images-v2.1-json-patch';
const FILE = 'application/octet-stream';

const clientOf = (server: EapiServer, token: string): ImageClient => {
  const url = (path: string): string => `${server.endpoint}/image/v2/${path}`;
  const ask = async (
    method: string,
    path: string,
    { body, type = 'application/json' }: { body?: string | Buffer<ArrayBuffer>; type?: string } = {},
  ): Promise<Reply> => {
    const response = await fetch(url(path), {
      method,
      headers: { 'x-auth-token': token, ...(body !== undefined && { 'content-type': type }) },
      ...(body !== undefined && { body }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  };
  const withJson = (method: string, type?: string) => async (path: string, body: unknown) =>
    ask(method, path, { body: JSON.stringify(body), ...(type !== undefined && { type }) });
  return {
    token,
    get: async (path) => ask('GET', path),
    post: withJson('POST'),
    put: withJson('PUT'),
    patch: withJson('PATCH', PATCH),
    delete: async (path) => ask('DELETE', path),
    create: async (image) => {
      const body = JSON.stringify({ disk_format: 'raw', container_format: 'bare', ...image });
      const reply = await ask('POST', 'images', { body });
      if (reply.status !== 201) throw new Error(`could not create an image: ${JSON.stringify(reply.body)}`);
      return reply.body.id;
    },
    upload: async (id, content, what = 'file') =>
      ask('PUT', `images/${id}/${what}`, { body: Buffer.from(content), type: FILE }),
    download: async (id, range) => {
      const response = await fetch(url(`images/${id}/file`), {
        headers: { 'x-auth-token': token, ...(range !== undefined && { range }) },
      });
      const content = Buffer.from(await response.arrayBuffer());
      return { status: response.status, range: response.headers.get('content-range'), content };
    },
    at: (other) => clientOf(other, token),
    as: (other) => clientOf(server, other),
  };
};

/** A disk of whole sectors, with a boot sector. */
export const disk = (bytes: number): Buffer => {
  const content = randomBytes(bytes);
  content.set([0x55, 0xaa], 510);
  return content;
};

/** The files in a folder of images, but for its mark. */
export const listContents = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [])).filter((name) => name !== '.cloud');

export const contentsOf = async ({ dir }: EapiServer): Promise<string[]> => listContents(join(dir, 'images'));
