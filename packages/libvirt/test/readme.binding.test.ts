import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { runChild } from './child.js';

describe('README', () => {
  it('shows examples that work', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const examples = [...readme.matchAll(/```js\n([\s\S]*?)```/g)].map(([, example]) => example);
    const result = await runChild(examples.join('\n'));
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
