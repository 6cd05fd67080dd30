import type { EcomputeError, ErrorCode } from '@etcd-compute/common/errors';

type Details = EcomputeError['details'];

/** What can be done about an error with eschedule itself: a cloud's own errors name no command. */
export const commandHint = ({ code, details }: EcomputeError): string | undefined => HINTS[code]?.(details);

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const instancesOf = ({ instance, instances }: Details): string[] =>
  typeof instance === 'string' ? [instance] : textsOf(instances);

/** A hint that names the first of the instances. */
const ofInstance =
  (render: (instance: string) => string) =>
  (details: Details): string | undefined => {
    const [instance] = instancesOf(details);
    return instance === undefined ? undefined : render(instance);
  };

const show = ofInstance((instance) => `see \`eschedule show ${instance}\``);
const unshelve = ofInstance((instance) => `\`eschedule unshelve ${instance}\` first`);
const seeHosts = (): string => 'see `eschedule hosts`';
const showOrHosts = ofInstance(
  (instance) => `see \`eschedule show ${instance}\`, and \`eschedule hosts\` for whether the agent of its host is up`,
);

/** By what was waited for. */
const TIMED_OUT: Readonly<Record<string, (details: Details) => string | undefined>> = {
  boot: (details) => {
    const instances = instancesOf(details);
    return `see \`eschedule show ${instances[0]}\`, or stop it with \`eschedule destroy ${instances.join(' ')}\``;
  },
  destroy: (details) =>
    textsOf(details['hostsDown']).length === 0
      ? showOrHosts(details)
      : `\`eschedule destroy --force ${instancesOf(details)[0]}\` does not wait for it`,
  wish: showOrHosts,
  drain: () => 'see `eschedule hosts`',
  image: () => 'see `eschedule image list`',
  ssh: () => 'its console may tell why: `eschedule logs`',
};

const HINTS: Partial<Record<ErrorCode, (details: Details) => string | undefined>> = {
  // Of a request that nobody can tell whether it was written.
  ECOMPUTE_ETCD_UNREACHABLE: (details) => (details['isWritten'] === null ? show(details) : undefined),
  ECOMPUTE_HOST_DRAINING: seeHosts,
  ECOMPUTE_HOST_IN_USE: seeHosts,
  ECOMPUTE_HOST_NOT_DRAINING: seeHosts,
  ECOMPUTE_HOST_UNKNOWN: seeHosts,
  ECOMPUTE_HOST_UP: ofInstance((instance) => `\`eschedule destroy ${instance}\``),
  ECOMPUTE_INSTANCE_CHANGED: show,
  ECOMPUTE_INSTANCE_FAILED: (details) => {
    const [instance] = instancesOf(details);
    if (instance === undefined) return undefined;
    const hint = `see \`eschedule show ${instance}\`; forget it with \`eschedule destroy ${instance}\``;
    return details['canMoveOn'] === true ? `\`eschedule audit --fix\` moves it on when a host has room; ${hint}` : hint;
  },
  ECOMPUTE_INSTANCE_LOCKED: ofInstance((instance) => `\`eschedule unlock ${instance}\` first`),
  ECOMPUTE_INSTANCE_NAME_TAKEN: show,
  ECOMPUTE_INSTANCE_UNKNOWN: () => 'see `eschedule list`, with --all also those that are deleted',
  ECOMPUTE_NO_CANDIDATES: seeHosts,
  ECOMPUTE_SNAPSHOT_NAME_TAKEN: ({ name }) =>
    `choose another name, or remove it with \`eschedule image rm snapshot:${String(name)}\``,
  ECOMPUTE_SNAPSHOT_UNKNOWN: ({ instance }) =>
    `see \`eschedule image list\`${typeof instance === 'string' ? ` and \`eschedule show ${instance}\`` : ''}`,
  ECOMPUTE_WISH_FAILED: show,
  ECOMPUTE_WISH_REFUSED: (details) => (details['state'] === 'shelved' ? unshelve(details) : undefined),
  ECOMPUTE_TIMED_OUT: (details) => TIMED_OUT[String(details['waitedFor'])]?.(details),
};
