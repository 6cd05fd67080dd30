import { createLogger } from '@etcd-compute/common/log';
import { createProgram, EXIT } from '@etcd-compute/common/program/program';
import { serverConfigSchema } from '../server/config.js';
import { readFiles } from '../server/files.js';
import { runServer } from '../server/run-server.js';
import { VERSION } from '../server/version.js';

/** `eplacement [--config FILE]`; the rest is `run-server.ts`. */

const program = createProgram({
  name: 'eplacement',
  version: VERSION,
  summary: 'Serves the API of OpenStack Placement. All that it keeps is in etcd.',
  configFile: 'eplacement.yaml',
  envPrefix: 'EPLACEMENT',
  schema: serverConfigSchema,
});

await program.run(async () => {
  const given = await program.describeArguments().parseAsync();
  const config = await program.loadConfig(given);
  if (given['check-config']) {
    await readFiles(config);
    program.say('the config is in order');
    return EXIT.done;
  }
  const { signal } = program.stopOnSignal();
  await runServer({ config, log: await createLogger(config.log), signal });
  return EXIT.done;
});
