import { createLogger } from '@etcd-compute/common/log';
import { createProgram, EXIT, type ProgramArguments } from '@etcd-compute/common/program/program';
import { serverConfigSchema } from '../server/config.js';
import { readFiles } from '../server/files.js';
import { runServer } from '../server/run-server.js';
import { VERSION } from '../server/version.js';
import { OTHER_PLACEMENT, URL_OPTION } from '../transfer/options.js';
import type { TransferArguments } from '../transfer/run-transfer.js';

/** `eplacement [--config FILE]`, `eplacement import` and `eplacement export`. */

const program = createProgram({
  name: 'eplacement',
  version: VERSION,
  summary: 'Serves the API of OpenStack Placement. All that it keeps is in etcd.',
  configFile: 'eplacement.yaml',
  envPrefix: 'EPLACEMENT',
  schema: serverConfigSchema,
});

await program.run(async () => {
  let wanted: TransferArguments | undefined;
  const given = await program
    .describeArguments()
    .command(
      'import',
      'make etcd what another Placement is',
      (yargs) => yargs.options({ from: URL_OPTION, ...OTHER_PLACEMENT }),
      ({ from, ...chosen }) => {
        wanted = { ...chosen, direction: 'import', url: from };
      },
    )
    .command(
      'export',
      'make another Placement what is in etcd',
      (yargs) => yargs.options({ to: URL_OPTION, ...OTHER_PLACEMENT }),
      ({ to, ...chosen }) => {
        wanted = { ...chosen, direction: 'export', url: to };
      },
    )
    .parseAsync();
  return wanted ? transferWith(given, wanted) : serve(given);
});

async function serve(given: ProgramArguments): Promise<number> {
  const config = await program.loadConfig(given);
  if (given['check-config']) {
    await readFiles(config);
    program.say('the config is in order');
    return EXIT.done;
  }
  const { signal } = program.stopOnSignal();
  await runServer({ config, log: await createLogger(config.log), signal });
  return EXIT.done;
}

/** It may be ended at any time, and run again. */
async function transferWith(given: ProgramArguments, wanted: TransferArguments): Promise<number> {
  const { etcd } = await program.loadConfig(given);
  const { renderResult, runTransfer } = await import('../transfer/run-transfer.js');
  const result = await runTransfer(wanted, etcd);
  process.stdout.write(`${renderResult(result).join('\n')}\n`);
  return result.differences.length === 0 ? EXIT.done : EXIT.failed;
}
