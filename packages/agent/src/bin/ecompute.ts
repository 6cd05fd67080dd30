import { createLogger } from '@etcd-compute/common/log';
import { createProgram, EXIT } from '@etcd-compute/common/program/program';
import { agentConfigSchema, type AgentConfig } from '../config/config.js';
import { acceptChange, SERVERS, type Server } from '../known-servers/known-servers.js';
import { runAgent } from '../lifecycle/run-agent.js';
import { VERSION } from '../process/version.js';

/** `ecompute [--config FILE]`; the rest is `run-agent.ts`. */

const program = createProgram({
  name: 'ecompute',
  version: VERSION,
  summary: 'The agent of a host: boots and destroys the instances that are placed on it.',
  configFile: 'compute.yaml',
  envPrefix: 'ECOMPUTE',
  schema: agentConfigSchema,
});

/** @returns what to tell the person. */
const accept = async ({ state_dir }: AgentConfig, server: Server): Promise<string> => {
  const isChanged = await acceptChange(state_dir, server);
  if (!isChanged)
    return `this host belongs to no ${server} yet, or its change was accepted before: there is nothing to accept`;
  const next = { etcd: 'restart ecompute', libvirt: 'ecompute goes on by itself, or when it is started' }[server];
  return `the ${server} that ecompute meets next is taken as the one that this host belongs to; ${next}`;
};

await program.run(async () => {
  const given = await program
    .describeArguments()
    .option('accept-change', {
      choices: SERVERS,
      describe: 'accept that this host now has another etcd or libvirt: note it, and exit',
      requiresArg: true,
    })
    .parseAsync();
  const config = await program.loadConfig(given);
  const { 'accept-change': changed, 'check-config': isCheck } = given;
  if (isCheck || changed !== undefined) {
    program.say(changed === undefined ? 'the config is in order' : await accept(config, changed));
    return EXIT.done;
  }
  const { signal, stopped } = program.stopOnSignal();
  await runAgent({ config, log: await createLogger(config.log), signal, stopped });
  return EXIT.done;
});
