// Sums vitest's JSON reports into one line, `N passed, N failed, N skipped`, and exits with 1 when something failed.
// A tier without a report, a file that could not be loaded, a failed `npm run check` and a failed suite of others each count as one failure.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...tiers] = process.argv.slice(2);
const sum = { passed: 0, failed: 0, skipped: 0 };

const addFile = ({ status, assertionResults }) => {
  const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
  const [passed, failed] = [count('passed'), count('failed')];
  sum.passed += passed;
  sum.failed += status === 'failed' ? Math.max(failed, 1) : failed;
  sum.skipped += assertionResults.length - passed - failed;
};

for (const tier of tiers) {
  const path = join(folder, `${tier}.json`);
  if (existsSync(path)) JSON.parse(readFileSync(path, 'utf8')).testResults.forEach(addFile);
  else sum.failed += 1;
}
for (const name of ['check-failed', 'placement-suite-failed', 'openstack-suite-failed'])
  if (existsSync(join(folder, name))) sum.failed += 1;

process.stdout.write(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped\n`);
process.exitCode = sum.failed === 0 ? 0 : 1;
