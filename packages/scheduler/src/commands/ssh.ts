import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { EcomputeError } from '@etcd-compute/common/errors';
import { chooseRoute } from '../access/choose-route.js';
import { ensureKnownHosts } from '../access/known-hosts.js';
import { proxyEnvironment, sshArguments } from '../access/ssh-arguments.js';
import { waitForSsh } from '../access/wait-for-ssh.js';
import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import type { CommandContext } from './context.js';

export interface SshCommandOptions {
  readonly uuidOrName: string;
  readonly user: string | undefined;
  readonly identity: string | undefined;
  readonly port: number;
  readonly command: readonly string[];
  readonly configPath: string | undefined;
  readonly isWaiting: boolean;
  readonly timeoutSeconds: number;
}

/** Logs in to a guest with the system's ssh, whose exit code is ours. */
export const ssh = async (context: CommandContext, options: SshCommandOptions): Promise<number> => {
  const { cloud, config, output, interruption } = context;
  const { port, identity, command, configPath, isWaiting, timeoutSeconds } = options;
  const { signal } = interruption;
  const found = await cloud.get(options.uuidOrName, { signal });
  const { instance } = found;
  const view = isWaiting ? await waitForSsh(cloud, { instance, port, timeoutSeconds, signal }) : found;
  if (view.state !== 'active') throw notRunning(view);
  const route = await chooseRoute(cloud, { view, port, configPath, note: output.note, signal });
  const argv = sshArguments({
    instance,
    route,
    port,
    user: options.user ?? config.ssh_user,
    identity,
    command,
    knownHosts: await ensureKnownHosts(),
  });
  const program = process.argv[1] ?? '';
  const env = {
    ...process.env,
    ...(route.by === 'tunnel' && proxyEnvironment({ instance, port, configPath, program })),
  };
  // Its end is ours, also after Ctrl-C, which the terminal sends to both.
  return run(argv, env, signal);
};

const run = async (argv: readonly string[], env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn('ssh', argv, { stdio: 'inherit', env });
    const onAbort = (): void => void child.kill('SIGTERM');
    signal.addEventListener('abort', onAbort, { once: true });
    child.once('error', (cause) =>
      reject(
        new EcomputeError('ECOMPUTE_SSH_FAILED', 'could not run the program ssh', {
          cause,
          hint: 'install it (Debian and Ubuntu: apt-get install openssh-client)',
        }),
      ),
    );
    child.once('exit', (code, killedBy) => {
      signal.removeEventListener('abort', onAbort);
      resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]));
    });
  });

const HINTS: Partial<Record<InstanceView['state'], string>> = {
  stopped: 'start it with `eschedule start`',
  scheduled: 'give --wait to wait until it is up',
  building: 'give --wait to wait until it is up',
};

const notRunning = ({ instance, name, state }: InstanceView): EcomputeError =>
  new EcomputeError('ECOMPUTE_SSH_FAILED', `instance ${name ?? instance} is ${state}`, {
    details: { instance, state },
    hint: HINTS[state] ?? `see \`eschedule show ${instance}\``,
  });
