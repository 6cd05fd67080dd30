import { expect, test } from 'vitest';
import type { FuzzRequest } from '../src/request.js';
import { shrink } from '../src/shrink.js';

const request = (version: number): FuzzRequest => ({ method: 'GET', path: '/', version });

test('shrink: leaves the last request and those before it that it needs', async () => {
  const requests = Array.from({ length: 39 }, (_none, version) => request(version));
  const isTheSame = async (left: readonly FuzzRequest[]): Promise<boolean> =>
    [7, 23, 38].every((needed) => left.some(({ version }) => version === needed)) && left.at(-1)?.version === 38;
  expect((await shrink(requests, isTheSame)).map(({ version }) => version)).toEqual([7, 23, 38]);
});
