/** `npm run demo [-- up|down|status]`: the command line; the stages are in `up.ts`, `down.ts` and `status.ts`. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { formatErrorChain } from '@etcd-compute/common/errors';
import { down } from './down.js';
import { planFolders } from './folders.js';
import { PLACEMENTS } from './record.js';
import { createStages } from './stages.js';
import { status } from './status.js';
import { up } from './up.js';

const USAGE = `usage: npm run demo                  a small cloud and a guest in it, on this machine
       npm run demo -- status        what of it runs
       npm run demo -- down          ends it and leaves nothing behind

  --placement etcd|openstack   who counts what is free: etcd (default), or OpenStack's Placement as a server of its own
  --dir FOLDER                 keep its state there and not in .demo; give the same one to status and down
`;

const say = (text: string): void => void process.stderr.write(text);

const main = async (argv: readonly string[]): Promise<number> => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    options: {
      dir: { type: 'string' },
      placement: { type: 'string' },
      // Given by scripts/demo.sh: seconds since 1970 at which it started, so that the time shown is all that passed.
      'started-at': { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
    allowPositionals: true,
  });
  if (values.help === true) {
    say(USAGE);
    return 0;
  }
  const [command = 'up', ...more] = positionals;
  const run = { up, down, status }[command];
  if (!run || more.length > 0) {
    say(`demo: '${positionals.join(' ')}' is not known\n${USAGE}`);
    return 2;
  }
  const placement = PLACEMENTS.find((known) => known === values.placement);
  if (values.placement !== undefined && !placement) {
    say(`demo: --placement '${values.placement}' is not known: expected ${PLACEMENTS.join(' or ')}\n`);
    return 2;
  }
  if (process.getuid?.() !== 0) {
    say('demo: could not start: guests and their network need root; scripts/demo.sh asks sudo for it\n');
    return 1;
  }
  const startedAt = values['started-at'] === undefined ? Date.now() : Number(values['started-at']) * 1000;
  const folders = await planFolders(resolve(import.meta.dirname, '../..'), values.dir);
  return await run({ folders, stages: createStages(startedAt), placement });
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  say(`demo: ${formatErrorChain(thrown)}\n`);
  process.exitCode = 1;
}
