import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');

/** The CHANGELOG tells of files that are gone. */
const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'docker/README.md',
  ...['cloud', 'libvirt', 'testing'].map((name) => `packages/${name}/README.md`),
  ...(await readdir(join(ROOT, 'docs'), { recursive: true }))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

const namesIn = async (folder: string): Promise<string[]> => readdir(join(ROOT, folder)).catch(() => []);

/** A path, or the beginning of one up to a dot: tests are named without their endings. */
const exists = async (path: string): Promise<boolean> => {
  const clean = path.replace(/\/$/, '');
  const name = basename(clean);
  return (await namesIn(dirname(clean))).some((there) => there === name || there.startsWith(`${name}.`));
};

const FOLDERS = ['.ci', 'bench', 'chaos', 'configs', 'demo', 'docker', 'docs', 'packages', 'scripts', 'test']
  .join('|')
  .replace('.', '\\.');
/** What is written as code and begins with a folder of ours; a name that a reader has to fill in ends it. */
const PATH = new RegExp(`(?<![\\w./-])(?:${FOLDERS})/[\\w./-]*[\\w/]`, 'g');

const codeIn = (page: string): string[] => [
  ...[...page.matchAll(/^```[^\n]*\n(.*?)^```/gms)].map(([, block = '']) => block),
  ...[...page.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code),
];

const pathsIn = (page: string): string[] => codeIn(page).flatMap((code) => code.match(PATH) ?? []);

const linksIn = (page: string): string[] =>
  [...page.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target).filter((target) => !target.includes('://'));

const anchorsIn = (page: string): string[] =>
  [...page.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\w\s-]/g, '')
      .replaceAll(' ', '-'),
  );

const missing = async (paths: readonly string[]): Promise<string[]> => {
  const found = await Promise.all(paths.map(exists));
  return paths.filter((_, index) => !found[index]);
};

describe.each(PAGES)('%s', (page) => {
  test('names no file that is not there', async () => {
    expect(await missing(pathsIn(await readFile(join(ROOT, page), 'utf8')))).toEqual([]);
  });

  test('links to what is there', async () => {
    const broken: string[] = [];
    for (const link of linksIn(await readFile(join(ROOT, page), 'utf8'))) {
      const [target = '', anchor] = link.split('#');
      const path = target === '' ? page : join(dirname(page), target);
      const isThere = await exists(path);
      const anchors = isThere && anchor !== undefined ? anchorsIn(await readFile(join(ROOT, path), 'utf8')) : [];
      if (!isThere || (anchor !== undefined && !anchors.includes(anchor))) broken.push(link);
    }
    expect(broken).toEqual([]);
  });
});

test('docs/findings.md names tests that are there', async () => {
  const page = await readFile(join(ROOT, 'docs/findings.md'), 'utf8');
  const names = [...page.matchAll(/`([a-z0-9-]+\/[a-z0-9/.-]+)`/g)].map(([, name = '']) => name);
  const full = names.map((name) => {
    if (/^(packages|test)\//.test(name) || name.startsWith('.')) return name;
    return name.startsWith('e2e/') ? `test/${name}` : `test/integration/${name}`;
  });
  expect(full.length).toBeGreaterThan(20);
  expect(await missing(full)).toEqual([]);
});
