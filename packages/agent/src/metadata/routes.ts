import type { GuestConfig } from '../guest-config/guest-config.js';
import { openstackFiles, renderEc2MetaData } from '../guest-config/openstack-files.js';

/*
 * What stands at which path. Pure. The content is that of the config drive.
 *
 *   /                                  the versions
 *   /<version>/meta-data/...           EC2's, https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-metadata.html
 *   /<version>/user-data
 *   /openstack/<version>/<file>        OpenStack's, https://docs.openstack.org/nova/latest/user/metadata.html
 *
 * A version is `latest` or a date: all are the same. Lists and keys end with a line break, as the original's do, so that shell loops
 * read their last line; other values do not. Slashes may be doubled, as the original's clients do it.
 */

export interface Answer {
  readonly type: 'text/plain' | 'application/json' | 'application/octet-stream';
  readonly body: Buffer | string;
}

/** The original's, and what EC2's clients take for the newest. */
const EC2_VERSIONS = ['2009-04-04', 'latest'];
/** The first with network data, and the newest that cloud-init asks for. */
const OPENSTACK_VERSIONS = ['2015-10-15', '2018-08-27', 'latest'];
const VERSION = /^(latest|1\.0|\d{4}-\d{2}-\d{2})$/;

export const segmentsOf = (path: string): string[] => path.split('/').filter((segment) => segment !== '');

export const isOpenStackPath = ([first]: readonly string[]): boolean => first === 'openstack';

const list = (names: readonly string[]): Answer => ({
  type: 'text/plain',
  body: names.map((name) => `${name}\n`).join(''),
});

/** @returns undefined when nothing is there. */
export const findAnswer = (guest: GuestConfig, segments: readonly string[]): Answer | undefined => {
  const [version, what, ...rest] = segments;
  if (version === undefined) return list(EC2_VERSIONS);
  if (isOpenStackPath(segments)) return findOpenStack(guest, segments.slice(1));
  if (!VERSION.test(version)) return undefined;
  if (what === undefined) return list(['meta-data/', ...(guest.userData === undefined ? [] : ['user-data'])]);
  if (what === 'meta-data') return findMetaData(renderEc2MetaData(guest), rest);
  if (what === 'user-data' && rest.length === 0 && guest.userData !== undefined)
    return { type: 'application/octet-stream', body: guest.userData };
  return undefined;
};

type Tree = Readonly<Record<string, unknown>>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

const KEYS = 'public-keys';

const findMetaData = (tree: Tree, path: readonly string[]): Answer | undefined => {
  let value: unknown = tree;
  for (const name of path) {
    if (!isTree(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  if (isTree(value)) {
    const isKeys = path.length === 1 && path[0] === KEYS;
    return list(
      Object.entries(value).map(([name, inner]) => {
        // The one list that says more than names.
        if (isKeys) return `${name}=key-${name}`;
        return isTree(inner) ? `${name}/` : name;
      }),
    );
  }
  const text = String(value);
  return { type: 'text/plain', body: path[0] === KEYS ? `${text}\n` : text };
};

const findOpenStack = (guest: GuestConfig, [version, name, ...rest]: readonly string[]): Answer | undefined => {
  if (version === undefined) return list(OPENSTACK_VERSIONS);
  if (!VERSION.test(version) || rest.length > 0) return undefined;
  const folder = 'openstack/latest/';
  const files = openstackFiles(guest).filter(({ path }) => path.startsWith(folder));
  if (name === undefined) return list(files.map(({ path }) => path.slice(folder.length)));
  const file = files.find(({ path }) => path === `${folder}${name}`);
  if (!file) return undefined;
  return { type: name.endsWith('.json') ? 'application/json' : 'application/octet-stream', body: file.content };
};
