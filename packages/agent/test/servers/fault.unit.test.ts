import { isElsewhere, toFault } from '@etcd-compute/agent/servers/fault';
import { EcomputeError } from '@etcd-compute/common/errors';
import { badReply, refusal } from '@etcd-compute/common/placement/errors';
import { describe, expect, test } from 'vitest';

describe('toFault', () => {
  test('tells code, chain, step and hint', () => {
    const cause = new Error('ENOSPC');
    const error = new EcomputeError('ECOMPUTE_DISK_FAILED', 'could not make the disk', {
      cause,
      hint: 'free some space',
      retryable: true,
    });
    expect(toFault(error, 'create-disk')).toEqual({
      code: 'ECOMPUTE_DISK_FAILED',
      message: 'could not make the disk: ENOSPC',
      step: 'create-disk',
      hint: 'free some space',
      retryable: true,
    });
  });

  test('what nobody foresaw is an internal error that another host may not have', () => {
    expect(toFault(new TypeError('x is undefined'), 'claim')).toMatchObject({
      code: 'ECOMPUTE_INTERNAL',
      message: 'x is undefined',
      retryable: true,
    });
  });
});

const PLACEMENTS = JSON.stringify({ errors: [{ detail: 'x\n\nOn purpose.' }] });
const HTML = '<html><body>On purpose.</body></html>';
const answer = (status: number, text: string): EcomputeError =>
  refusal({ status, headers: {}, text }, { verb: 'x', method: 'GET', path: '/x' }, 'http://placement');

describe('isElsewhere', () => {
  const etcdAway = new EcomputeError('ECOMPUTE_ETCD_UNREACHABLE', 'x', { retryable: true });

  test.each([
    ['etcd is away', etcdAway],
    ['etcd is away, said by a step', new Error('step failed', { cause: etcdAway })],
    ['Placement is away', new EcomputeError('ECOMPUTE_PLACEMENT_UNREACHABLE', 'x')],
    ['Placement is broken', answer(500, PLACEMENTS)],
    ['Placement is behind a proxy that has lost it', answer(502, HTML)],
    ['Placement is busy', answer(429, PLACEMENTS)],
    ['Placement does not know us', answer(401, 'Authentication required')],
    ['Placement does not let us', answer(403, PLACEMENTS)],
    ['a proxy has no such page', answer(404, HTML)],
    ['a proxy answers with a page', badReply({ verb: 'x', endpoint: 'x', text: HTML, cause: new Error('no JSON') })],
    ['libvirt is away', new EcomputeError('ECOMPUTE_LIBVIRT_UNREACHABLE', 'x')],
    ['the wish changed', new EcomputeError('ECOMPUTE_INSTANCE_CHANGED', 'x')],
    ['the agent stops', AbortSignal.abort().reason],
  ])('%s: nothing is undone', (_what, thrown) => {
    expect(isElsewhere(thrown)).toBe(true);
  });

  test.each([
    ['Placement refuses the instance', answer(400, PLACEMENTS)],
    ['Placement has no room', answer(409, PLACEMENTS)],
    ['the image is bad', new EcomputeError('ECOMPUTE_IMAGE_NOT_USABLE', 'x')],
    ['a step timed out', new EcomputeError('ECOMPUTE_STEP_TIMED_OUT', 'x')],
    ['a mistake', new TypeError('x')],
    ['no error at all', 'x'],
  ])('%s: the build has failed', (_what, thrown) => {
    expect(isElsewhere(thrown)).toBe(false);
  });
});
