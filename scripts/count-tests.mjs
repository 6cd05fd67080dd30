// Sums vitest's JSON reports into one line, `N passed, N failed, N skipped`, and exits with 1 when something failed.
// A tier without a report, a file that could not be loaded and a failed `npm run check` each count as one failure.
// `<tier>-again.json` is of the files of the tier that failed, run once more: it takes their place, and what needed that is named.
import { existsSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [folder, ...tiers] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };

const read = (tier) => {
  const path = join(folder, `${tier}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).testResults : undefined;
};
const titlesOf = (files, wanted) =>
  files.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === wanted)
      .map(({ fullName }) => `${basename(name)}: ${fullName.trim()}`),
  );

for (const tier of tiers) {
  const first = read(tier);
  if (first === undefined) {
    sum.failed += 1;
    continue;
  }
  const again = read(`${tier}-again`) ?? [];
  const files = [...first.filter(({ name }) => again.every((file) => file.name !== name)), ...again];
  const passed = titlesOf(files, 'passed');
  const failed = titlesOf(files, 'failed');
  sum.passed += passed.length;
  sum.failed += failed.length;
  sum.failed += files.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  sum.skipped += files.flatMap(({ assertionResults }) => assertionResults).length - passed.length - failed.length;
  for (const title of titlesOf(first, 'failed').filter((name) => passed.includes(name)))
    process.stdout.write(`passed only at the second try: ${title}\n`);
}
if (existsSync(join(folder, 'check-failed'))) sum.failed += 1;

process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exitCode = sum.failed === 0 ? 0 : 1;
