import { createLogger } from '@etcd-compute/common/log';
import { createProgram, EXIT, type ProgramArguments } from '@etcd-compute/common/program/program';
import { readTls } from '@etcd-compute/common/serving/tls-files';
import { bootstrap } from '../bootstrap/bootstrap.js';
import { apiConfigSchema } from '../server/config.js';
import { runServer } from '../server/run-server.js';
import { VERSION } from '../server/version.js';

/** `eapi [--config FILE]` and `eapi bootstrap`. */

const program = createProgram({
  name: 'eapi',
  version: VERSION,
  summary: 'Serves the APIs that OpenStack’s tools speak. All that it keeps is in etcd.',
  configFile: 'eapi.yaml',
  envPrefix: 'EAPI',
  schema: apiConfigSchema,
});

interface BootstrapArguments {
  readonly passwordFile: string | undefined;
  readonly clouds: string;
  readonly cloud: string;
}

await program.run(async () => {
  let wanted: BootstrapArguments | undefined;
  const given = await program
    .describeArguments()
    .command(
      'bootstrap',
      'make the first domain, project, roles, flavors and the user `admin`, and write clouds.yaml',
      (yargs) =>
        yargs
          .option('password-file', {
            type: 'string',
            requiresArg: true,
            describe: 'the password of `admin`; without it, one is made and printed when there is none yet',
          })
          .option('clouds', {
            type: 'string',
            requiresArg: true,
            default: 'clouds.yaml',
            describe: 'where to write how clients get in',
          })
          .option('cloud', {
            type: 'string',
            requiresArg: true,
            default: 'admin',
            describe: 'what the cloud is called there',
          }),
      (chosen) => {
        wanted = chosen;
      },
    )
    .parseAsync();
  return wanted ? bootstrapWith(given, wanted) : serve(given);
});

async function serve(given: ProgramArguments): Promise<number> {
  const config = await program.loadConfig(given);
  if (given['check-config']) {
    if (config.tls) await readTls(config.tls);
    program.say('the config is in order');
    return EXIT.done;
  }
  const { signal } = program.stopOnSignal();
  await runServer({ config, log: await createLogger(config.log), signal });
  return EXIT.done;
}

async function bootstrapWith(
  given: ProgramArguments,
  { passwordFile, clouds, cloud }: BootstrapArguments,
): Promise<number> {
  const config = await program.loadConfig(given);
  const log = await createLogger({ ...config.log, level: 'fatal' });
  const { madePassword, hasWrittenClouds } = await bootstrap({
    config,
    log,
    passwordFile,
    cloudsFile: clouds,
    cloudName: cloud,
  });
  if (madePassword !== undefined) process.stdout.write(`${madePassword}\n`);
  program.say(
    hasWrittenClouds
      ? `the admin can log in; ${clouds} has how: openstack --os-cloud ${cloud} token issue`
      : 'all is there already, and the password stays as it is (--password-file sets another one)',
  );
  return EXIT.done;
}
