import type { EcomputeError } from '@etcd-compute/common/errors';

/** What can be done about an error with eschedule itself: a cloud's own errors name no command. */
export const commandHint = ({ code, details }: EcomputeError): string | undefined => {
  const [instance] = instancesOf(details);
  switch (code) {
    case 'ECOMPUTE_INSTANCE_UNKNOWN':
      return 'see `eschedule list`, with --all also those that are deleted';
    case 'ECOMPUTE_HOST_UNKNOWN':
    case 'ECOMPUTE_NO_CANDIDATES':
      return 'see `eschedule hosts`';
    case 'ECOMPUTE_INSTANCE_NAME_TAKEN':
    case 'ECOMPUTE_INSTANCE_CHANGED':
      return instance === undefined ? undefined : show(instance);
    case 'ECOMPUTE_INSTANCE_FAILED':
      return instance === undefined ? undefined : `${show(instance)}; forget it with \`eschedule destroy ${instance}\``;
    case 'ECOMPUTE_HOST_UP':
      return instance === undefined ? undefined : `\`eschedule destroy ${instance}\``;
    case 'ECOMPUTE_TIMED_OUT':
      return timedOutHint(details);
    default:
      return undefined;
  }
};

const show = (instance: string): string => `see \`eschedule show ${instance}\``;

const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];

const instancesOf = ({ instance, instances }: EcomputeError['details']): string[] =>
  typeof instance === 'string' ? [instance] : textsOf(instances);

const timedOutHint = (details: EcomputeError['details']): string | undefined => {
  const instances = instancesOf(details);
  const [first] = instances;
  if (first === undefined) return 'hosts' in details ? 'see `eschedule image list`' : undefined;
  switch (details['waitedFor']) {
    case 'boot':
      return `${show(first)}, or stop it with \`eschedule destroy ${instances.join(' ')}\``;
    case 'destroy':
      return textsOf(details['hostsDown']).length === 0
        ? `${show(first)}, and \`eschedule hosts\` for whether the agent of its host is up`
        : `\`eschedule destroy --force ${first}\` does not wait for it`;
    case 'ssh':
      return 'its console may tell why: `eschedule logs`';
    default:
      return `${show(first)}, and \`eschedule hosts\` for whether the agent of its host is up`;
  }
};
