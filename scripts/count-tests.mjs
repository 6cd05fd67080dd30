// Sums vitest's JSON reports into one line, `N passed, N failed, N skipped`, and exits with 1 when something failed.
// A tier without a report, a file that could not be loaded and a failed `npm run check` each count as one failure.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...tiers] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };

for (const tier of tiers) {
  const path = join(folder, `${tier}.json`);
  if (!existsSync(path)) {
    sum.failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(path, 'utf8'));
  sum.passed += report.numPassedTests;
  sum.failed += report.numFailedTests;
  sum.skipped += report.numPendingTests + report.numTodoTests;
  sum.failed += report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.every((test) => test.status !== 'failed'),
  ).length;
}
if (existsSync(join(folder, 'check-failed'))) sum.failed += 1;

process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exitCode = sum.failed === 0 ? 0 : 1;
