import { EcomputeError } from '@etcd-compute/common/errors';
import { renderInstance, instanceShape } from '@etcd-compute/scheduler/output/instance-shape';
import { createOutput, type OutputFormat } from '@etcd-compute/scheduler/output/output';
import { renderError } from '@etcd-compute/scheduler/output/report-error';
import { renderTable } from '@etcd-compute/scheduler/output/table';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { describe, expect, test } from 'vitest';

const VIEW: InstanceView = {
  instance: '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d',
  name: 'web',
  project: 'default',
  user: 'me',
  host: '0f7a1c9e-1111-4222-8333-444455556666',
  hostName: 'alpha',
  state: 'active',
  power: 'running',
  pausedBy: null,
  step: null,
  resources: { VCPU: 1, MEMORY_MB: 256, DISK_GB: 1 },
  image: 'http://x/a.img',
  nics: null,
  disks: [{ uuid: '6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d', sizeGiB: 1 }],
  meta: null,
  locked: null,
  addresses: [{ address: '192.0.2.7', family: 'ipv4', mac: null, source: 'lease' }],
  addressSources: { lease: 'found' },
  fault: null,
  attemptsLeft: 0,
  canMoveOn: false,
  outcomes: [],
  createdAt: null,
  updatedAt: null,
  transitions: [],
};

const collect = (format: OutputFormat | undefined, isTTY: boolean) => {
  const said = { stdout: '', stderr: '' };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY,
    write: (text: string) => {
      said[name] += text;
    },
  });
  return { said, output: createOutput({ format, isDebug: false, stdout: stream('stdout'), stderr: stream('stderr') }) };
};

describe('output', () => {
  test('a table is as wide as it needs to be, and ends without spaces', () => {
    const columns = [
      { title: 'NAME', cell: (item: { name: string; count: number }) => item.name },
      { title: 'N', cell: (item: { name: string; count: number }) => String(item.count), align: 'right' as const },
    ];
    const items = [
      { name: 'a', count: 1 },
      { name: 'longer', count: 100 },
    ];
    expect(renderTable(items, columns, false)).toBe('NAME      N\na         1\nlonger  100');
  });

  test('colours change no character of a table', () => {
    const plain = renderTable([VIEW], instanceShape.columns, false);
    const colourful = renderTable([VIEW], instanceShape.columns, true);
    expect(colourful).not.toBe(plain);
    // oxlint-disable-next-line no-control-regex -- what a terminal takes as a colour starts with this character
    expect(colourful.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
  });

  test('one thing is an object, many are an array', async () => {
    const one = collect('json', false);
    await one.output.one(VIEW, instanceShape);
    expect(JSON.parse(one.said.stdout)).toEqual(VIEW);
    const many = collect('json', false);
    await many.output.list([VIEW], instanceShape);
    expect(JSON.parse(many.said.stdout)).toEqual([VIEW]);
  });

  test('progress is for terminals only', () => {
    for (const isTTY of [true, false]) {
      const { output, said } = collect(undefined, isTTY);
      output.progress('building');
      expect(said).toEqual({ stdout: '', stderr: isTTY ? 'building\n' : '' });
    }
  });

  test('an instance in full', () => {
    const fault = { code: 'ECOMPUTE_DISK_FAILED', message: 'the pool is full', step: 'create-disk', hint: 'make room' };
    const addressSources = { lease: 'found', agent: 'no guest agent is connected' };
    expect(renderInstance({ ...VIEW, state: 'error', fault, addressSources }, false))
      .toBe(`instance:  6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d
name:      web
project:   default
user:      me
state:     error
power:     running
host:      alpha (0f7a1c9e-1111-4222-8333-444455556666)
resources: VCPU 1, MEMORY_MB 256, DISK_GB 1
image:     http://x/a.img
created:   -
updated:   -
disks:
  6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d  1 GiB, root
addresses:
  192.0.2.7  ipv4, mac unknown, from lease
  agent: no guest agent is connected
fault:     ECOMPUTE_DISK_FAILED in step create-disk: the pool is full
  hint:    make room`);
  });
});

test('an instance in full says which interfaces and disks it has', () => {
  const further = { uuid: '0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30', sizeGiB: 20 };
  const nics = [
    { network: 'ecompute', mac: '52:54:00:2d:00:02', addresses: ['10.45.0.2', 'fd00::2'] },
    { network: 'bridge:br1', mac: null, addresses: [] },
  ];
  expect(renderInstance({ ...VIEW, nics, disks: [...VIEW.disks, further] }, false)).toContain(`
disks:
  6b2f3c1e-0c5d-4a36-9d6c-1f8d1a2b3c4d  1 GiB, root
  0b9d7a43-5c0e-4b5f-8f0e-7c0a5d1e2f30  20 GiB
interfaces:
  ecompute  mac 52:54:00:2d:00:02, 10.45.0.2, fd00::2
  bridge:br1  mac unknown, no address
addresses:
`);
});

test('an instance with metadata says which', () => {
  expect(renderInstance({ ...VIEW, meta: { role: 'db', stage: 'live' } }, false)).toContain(
    '\nmeta:      role=db, stage=live\n',
  );
});

test('a list shows the first address, a wide one all of them with their sources', () => {
  const more = [
    { address: '198.51.100.9', family: 'ipv4', mac: null, source: 'agent' },
    { address: '2001:db8::7', family: 'ipv6', mac: null, source: 'lease' },
  ];
  const cells = (addresses: InstanceView['addresses']): (string | undefined)[] =>
    [...instanceShape.columns, ...(instanceShape.wideColumns ?? [])]
      .filter(({ title }) => title.startsWith('ADDRESS'))
      .map(({ cell }) => cell({ ...VIEW, addresses }));
  expect(cells([...VIEW.addresses, ...more])).toEqual([
    '192.0.2.7',
    '192.0.2.7 (lease), 198.51.100.9 (agent), 2001:db8::7 (lease)',
  ]);
  expect(cells([])).toEqual(['-', '-']);
});

describe('renderError', () => {
  const error = new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'could not list /agents/ in etcd', {
    hint: 'check that it runs',
    details: { port: 1 },
    cause: new Error('ECONNREFUSED'),
  });

  test('one line with its causes, and a hint', () => {
    expect(renderError(error, { format: undefined, isDebug: false })).toBe(
      'eschedule: could not list /agents/ in etcd: ECONNREFUSED\nhint: check that it runs\n',
    );
  });

  test('one line of JSON', () => {
    const text = renderError(error, { format: 'json', isDebug: false });
    expect(text.indexOf('\n')).toBe(text.length - 1);
    expect(JSON.parse(text)).toEqual({
      code: 'ECOMPUTE_ETCD_UNREACHABLE',
      message: 'could not list /agents/ in etcd: ECONNREFUSED',
      hint: 'check that it runs',
      details: { port: 1 },
    });
  });

  test('--debug shows where it and its cause come from', () => {
    const text = renderError(error, { format: undefined, isDebug: true });
    expect(text).toContain('output.unit.test.ts');
    expect(text).toContain('caused by Error: ECONNREFUSED');
  });
});
