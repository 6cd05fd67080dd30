import { createInquiry, type Inquiry } from '@etcd-compute/agent/addresses/inquiry';
import type { Address } from '@etcd-compute/common/etcd/messages/instance-record';
import { newInstanceUuid, type InstanceUuid } from '@etcd-compute/common/ids';
import { beforeEach, describe, expect, test } from 'vitest';

const [ONE, OTHER] = [newInstanceUuid(), newInstanceUuid()];
const ADDRESS: Address = { address: '192.0.2.7', family: 'ipv4', mac: null, source: 'agent' };
const FOUND = { said: 'found', addresses: [ADDRESS] };
const SILENT = { said: 'silent', addresses: [] };

let clockMs: number;
let woken: InstanceUuid[];
/** Questions that have no answer yet, in the order that they were asked. */
let questions: { instance: InstanceUuid; answer: (addresses: Address[]) => void; fail: () => void }[];
let inquiry: Inquiry;

beforeEach(() => {
  clockMs = 0;
  woken = [];
  questions = [];
  inquiry = createInquiry({
    ask: async (instance) =>
      new Promise((resolve, reject) => {
        questions.push({ instance, answer: resolve, fail: () => reject(new Error('no answer')) });
      }),
    nothing: 'nothing there',
    explain: () => 'silent',
    wake: (instance) => void woken.push(instance),
    now: () => clockMs,
  });
});

const look = (instance = ONE) => inquiry.latest(instance, { macs: [], everyMs: 1000 });
/** Lets what was answered be taken in. */
const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** After its next turn, asks and gets this. @returns how often the turn had to come. */
const askAgain = async (end: 'answer' | 'fail'): Promise<number> => {
  for (let turns = 1; ; turns += 1) {
    clockMs += 1000;
    look();
    await settled();
    const question = questions.shift();
    if (!question) continue;
    if (end === 'fail') question.fail();
    else question.answer([ADDRESS]);
    await settled();
    return turns;
  }
};

describe('an inquiry', () => {
  test('does not wait for the answer; wakes when it is there, and again only when it is another', async () => {
    expect(look()).toBeUndefined();
    await askAgain('answer');
    expect(look()).toEqual(FOUND);
    await askAgain('answer');
    expect(woken).toEqual([ONE]);
    clockMs += 1000;
    look();
    await settled();
    questions.shift()?.answer([]);
    await settled();
    expect(look()).toEqual({ said: 'nothing there', addresses: [] });
    expect(woken).toEqual([ONE, ONE]);
  });

  test('asks one at a time, and each as often as is wanted', async () => {
    for (let count = 0; count < 5; count += 1) for (const instance of [ONE, OTHER]) look(instance);
    await settled();
    expect(questions.map(({ instance }) => instance)).toEqual([ONE]);
    questions.shift()?.answer([]);
    await settled();
    expect(questions.map(({ instance }) => instance)).toEqual([OTHER]);
    clockMs = 999;
    look();
    questions.shift()?.answer([]);
    await settled();
    expect(questions).toEqual([]);
  });

  test('what was found stays when one question fails, and goes with the second', async () => {
    await askAgain('answer');
    await askAgain('fail');
    expect(look()).toEqual(FOUND);
    await askAgain('fail');
    expect(look()).toEqual(SILENT);
  });

  test('who stays silent is asked more and more seldom, until there is news', async () => {
    const turns: number[] = [];
    for (let count = 0; count < 8; count += 1) turns.push(await askAgain('fail'));
    expect(turns).toEqual([1, 1, 2, 4, 8, 16, 16, 16]);
    inquiry.hasNews(ONE);
    expect(await askAgain('answer')).toBe(1);
    expect(look()).toEqual(FOUND);
    expect(await askAgain('answer')).toBe(1);
  });

  test('news that come while it asks lead to another question', async () => {
    look();
    await settled();
    inquiry.hasNews(ONE);
    questions.shift()?.fail();
    await settled();
    look();
    await settled();
    expect(questions).toHaveLength(1);
  });

  test('an answer about a guest that was forgotten is nobody’s', async () => {
    look();
    look(OTHER);
    await settled();
    inquiry.forget(ONE);
    inquiry.forget(OTHER);
    questions.shift()?.answer([ADDRESS]);
    await settled();
    expect(woken).toEqual([]);
    expect(questions).toEqual([]);
    expect(inquiry.known(ONE)).toBeUndefined();
  });
});
