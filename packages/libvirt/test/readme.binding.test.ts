import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runChild } from './child.js';

describe('README', () => {
  it('shows an example that works', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const example = /```js\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const result = await runChild(example);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    for (const line of [
      'hello defined (added)',
      'hello started (booted)',
      "{ state: 'running', reason: 'booted' }",
      'hello stopped (destroyed)',
      'hello undefined (removed)',
      'virDomainLookupByName: Domain not found',
      'connection closed: client',
    ]) {
      expect(result.stdout).toContain(line);
    }
  });
});
