/** How ssh gets to the guest. */
export type SshRoute =
  | {
      readonly by: 'tunnel';
      /** Undefined where eschedule found its config by itself. */ readonly configPath: string | undefined;
    }
  | {
      readonly by: 'address';
      readonly address: string;
      /** Another guest on another host may have it too. */ readonly isAmbiguous: boolean;
    };

export interface SshOptions {
  readonly instance: string;
  readonly route: SshRoute;
  readonly port: number;
  readonly user: string | undefined;
  readonly identity: string | undefined;
  /** The words after `--`: a command for the guest's shell, as for ssh. None is a shell. */
  readonly command: readonly string[];
  /** Where the keys of guests are remembered. */
  readonly knownHosts: string;
}

/** ssh has this string run by a shell. Whatever varies comes in the environment, where no shell looks for meaning. */
const PROXY_COMMAND = '"$ECSSH_NODE" "$ECSSH_PROGRAM" tunnel "$ECSSH_INSTANCE" --port "$ECSSH_PORT"';
const WITH_CONFIG = ' --config "$ECSSH_CONFIG"';

/** A value of `-o`: ssh splits at spaces and expands `%` and `${}`; the latter has no escape. */
const quoteValue = (text: string): string => `"${text.replaceAll('%', '%%').replaceAll(/["\\]/g, '\\$&')}"`;

/**
 * The arguments of ssh. Guests come and go with the same addresses, so the key of a guest is remembered under the instance's uuid, in a file
 * of our own; a new guest's key is taken at first sight where the way leads to that guest and no other.
 */
export const sshArguments = (options: SshOptions): string[] => {
  const { instance, route, port, user, identity, command, knownHosts } = options;
  const isSure = route.by === 'tunnel' || !route.isAmbiguous;
  const settings = [
    `HostKeyAlias=${instance}`,
    `UserKnownHostsFile=${quoteValue(knownHosts)}`,
    `StrictHostKeyChecking=${isSure ? 'accept-new' : 'ask'}`,
    'CheckHostIP=no',
    // Uuids tell nobody anything.
    'HashKnownHosts=no',
    // A session in which nothing happens is none that is broken.
    'ServerAliveInterval=30',
    route.by === 'tunnel'
      ? `ProxyCommand=${PROXY_COMMAND}${route.configPath === undefined ? '' : WITH_CONFIG}`
      : `HostName=${route.address}`,
  ];
  return [
    ...settings.flatMap((setting) => ['-o', setting]),
    '-p',
    String(port),
    ...(user === undefined ? [] : ['-l', user]),
    ...(identity === undefined ? [] : ['-i', identity]),
    '--',
    instance,
    ...command,
  ];
};

export interface ProxyEnvironment {
  readonly instance: string;
  readonly port: number;
  readonly configPath: string | undefined;
  readonly program: string;
}

/** What `PROXY_COMMAND` takes. */
export const proxyEnvironment = ({
  instance,
  port,
  configPath,
  program,
}: ProxyEnvironment): Readonly<Record<string, string>> => ({
  ECSSH_NODE: process.execPath,
  ECSSH_PROGRAM: program,
  ECSSH_INSTANCE: instance,
  ECSSH_PORT: String(port),
  ECSSH_CONFIG: configPath ?? '',
  // The one that ssh runs it by: another one may speak another language, or none.
  SHELL: '/bin/sh',
});
