import { checkUserData } from '@etcd-compute/scheduler/guest/user-data';
import { describe, expect, test } from 'vitest';

const check = (text: string): ReturnType<typeof checkUserData> => checkUserData(Buffer.from(text));

describe('user data', () => {
  test.each([
    '#cloud-config\npackages: [git]\n',
    '#cloud-config\r\npackages: [git]\r\n',
    '#cloud-config\n',
    '#!/bin/sh\necho {{{ not yaml\n',
    '## template: jinja\n#cloud-config\nhostname: {{ v1.instance_id }}\n',
    'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="x"\n\n--x\n',
    '#include\nhttp://a/b\n',
    `#!/bin/sh\n#${'x'.repeat(65_536 - 11)}`,
    '#cloud-config-archive\n- [broken\n',
  ])('%j is taken as it is', (text) => {
    expect(check(text)).toEqual({ userData: text });
  });

  test.each([
    ['#cloud-config\na: 1\nb: [1, 2\n', /^line \d is not readable YAML: /],
    ['#cloud-config\n\ta: 1\n', /^line 2 is not readable YAML: /],
    ['#cloud-config\n- a\n', /^a #cloud-config has keys and values/],
    ['#cloud-config\nhello\n', /^a #cloud-config has keys and values/],
    [`#!/bin/sh\n#${'x'.repeat(65_536 - 10)}`, /^it has 65537 bytes, and 65536 are the most/],
    ['#!/bin/sh\n\0', /^it is not UTF-8 text/],
  ])('%j is refused', (text, problem) => {
    expect(check(text)).toEqual({ problem: expect.stringMatching(problem) });
  });

  test('that is not text is refused, gzip too', () => {
    expect(checkUserData(Buffer.from([0x1f, 0x8b, 8, 0]))).toEqual({ problem: 'it is not UTF-8 text' });
  });

  test.each(['', '\n \n'])('%j is none', (text) => {
    expect(check(text)).toEqual({ userData: undefined });
  });
});
