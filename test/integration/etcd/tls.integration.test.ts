import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newProviderUuid } from '@etcd-compute/common/ids';
import { startEcompute } from '@etcd-compute/testing/ecompute';
import { startEtcd } from '@etcd-compute/testing/etcd-server';
import { startPlacement } from '@etcd-compute/testing/placement-server';
import { startImageServer } from '@etcd-compute/testing/image-server';
import { runCommand } from '@etcd-compute/testing/run-command';
import { makeTempDir } from '@etcd-compute/testing/temp-dir';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { rawImage } from '../fixtures/agent-world.js';
import { start } from '../fixtures/eschedule-fixture.js';

/** The commands and the config of docs/etcd-access.md, as they stand there. */
const blocksOf = (markdown: string, language: string): string[] =>
  [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, text = '']) => text);
const text = await readFile(join(import.meta.dirname, '../../../docs/etcd-access.md'), 'utf8');
const tls = text.slice(text.indexOf('\n## TLS\n'));
const [makeCertificates = '', startCommand = ''] = blocksOf(tls, 'sh');
const [config = ''] = blocksOf(tls, 'yaml');

/** Flags of the documented command, but for the addresses. */
const flags = [...startCommand.matchAll(/--\S+/g)]
  .map(([flag]) => flag)
  .filter((flag) => !/^--(listen|advertise)-client-urls=/.test(flag));

test('with certificates and users as documented, an instance is booted and destroyed, and nobody else gets in', async () => {
  await using dir = await makeTempDir('tls-');
  const certificates = await runCommand(['bash', '-euo', 'pipefail', '-c', makeCertificates], { cwd: dir.path });
  expect(certificates.stdout).not.toContain('PRIVATE KEY');
  const inDir = (flag: string): string => flag.replace(/=(\w+\.(pem|key))$/, `=${dir.path}/$1`);
  expect(flags).toHaveLength(4);
  await using etcd = await startEtcd({ tls: true, args: flags.map(inDir) });
  await using placement = await startPlacement();
  const image = join(dir.path, 'tiny.raw');
  await writeFile(image, rawImage());
  await using images = await startImageServer({ tiny: image });

  const documented = parse(config.replaceAll('/etc/ecompute', dir.path).replace('etcd.example', '127.0.0.1')).etcd;
  const section = { ...documented, port: etcd.port, timeout: 60 };
  const passwords = join(dir.path, 'etcd-passwords');
  const as = (user: string): object => ({ ...section, user, password_file: join(passwords, user) });
  const eschedule = async (by: object, ...argv: string[]): ReturnType<typeof start>['finished'] => {
    const path = join(dir.path, 'schedule.yaml');
    const settings = { etcd: by, placement: placement.section, image: images.url('tiny') };
    await writeFile(path, JSON.stringify(settings));
    return start(argv, dir.path).finished;
  };
  const etcdctl = async (...args: string[]): Promise<string> => {
    const identity = ['--cacert=ca.pem', '--cert=client.pem', '--key=client.key'];
    const argv = ['etcdctl', `--endpoints=https://127.0.0.1:${etcd.port}`, ...identity, ...args];
    return (await runCommand(argv, { cwd: dir.path, env: { ...process.env, ETCDCTL_API: '3' } })).stdout;
  };

  const host = newProviderUuid();
  const made = await eschedule(section, 'etcd-roles', '--passwords', passwords, '--host', host);
  expect(made).toMatchObject({ code: 0 });
  await etcdctl('auth', 'enable');
  await using agent = await startEcompute({ etcd, placement, uuid: host, config: { etcd: as(`ecompute-${host}`) } });
  const booted = await eschedule(as('eschedule'), 'boot', '--name', 'web', '--memory', '64M');
  expect(booted).toMatchObject({ code: 0 });
  expect(await eschedule(as('eschedule'), 'destroy', 'web', '--wait')).toMatchObject({ code: 0 });

  const { ca_cert: _ca, cert_cert, cert_key, ...plain } = section;
  const { ca_cert } = section;
  const strangers = { plain, 'no certificate': { ...plain, ca_cert }, 'no user': section };
  for (const [who, stranger] of Object.entries(strangers)) {
    const { code, stderr } = await eschedule({ ...stranger, timeout: 5 }, 'list');
    expect({ who, code, stderr }).toMatchObject({ who, code: 1, stderr: expect.stringContaining('in etcd at') });
  }
  // Another authority's etcd is not ours.
  await runCommand(
    [
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-subj',
      '/CN=other',
      '-keyout',
      'o.key',
      '-out',
      'o.pem',
    ],
    {
      cwd: dir.path,
    },
  );
  const misled = { ...plain, cert_cert, cert_key, ca_cert: join(dir.path, 'o.pem'), timeout: 5 };
  expect(await eschedule(misled, 'list')).toMatchObject({ code: 1, stdout: '' });
  expect(await agent.stop()).toEqual({ code: 0, signal: null });
});
