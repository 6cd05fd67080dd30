import { parseSeconds } from '../amounts.js';
import type { OptionTable } from '../command-line.js';
import { DEFAULT_IMAGE } from '../config.js';
import { OUTPUT_FORMATS } from '../output/output.js';
import { GUEST_OPTIONS, guestArgsOf } from '../guest/guest-options.js';
import { DEFAULT_GRACE_SECONDS } from '@etcd-compute/cloud/audit/grace';
import { STRATEGIES } from '@etcd-compute/cloud/selection/strategies';
import { usageError } from '../usage.js';
import { guestConsole, logs, ssh, tunnel } from './access-table.js';
import { parseBootArgs, parseChecksum } from './boot-args.js';
import type { CommandSpec } from './command-spec.js';
import { host } from './host-table.js';
import { etcdRoles } from './etcd-roles-table.js';
import { parseImageAction } from './image-args.js';
import { TIMEOUT, timeoutOf } from './timeout-option.js';
import { unshelve } from './unshelve-table.js';
import { WISH_COMMANDS } from './wishes/wishes.js';

export const GLOBAL_OPTIONS: OptionTable = {
  config: { short: 'c', value: 'FILE', describe: 'the config; default ./schedule.yaml if there is one' },
  project: {
    value: 'PROJECT',
    describe: 'the project of instances and names; default: project of the config, else default',
  },
  output: { short: 'o', value: 'FORMAT', describe: `${OUTPUT_FORMATS.join(', ')} (name prints uuids)` },
  debug: { describe: 'show where an error comes from' },
  help: { short: 'h', describe: 'show this help' },
  version: { describe: 'show the version' },
};

/** Its own and the global ones. */
export const optionsOf = ({ options, printsGuest }: CommandSpec): OptionTable => {
  const globals = Object.entries(GLOBAL_OPTIONS).filter(([name]) => !(printsGuest && name === 'output'));
  return { ...options, ...Object.fromEntries(globals) };
};

const boot: CommandSpec = {
  summary: 'boot an instance on a host with room',
  examples: [
    'eschedule boot',
    'eschedule boot --name web --vcpus 2 --memory 2G --disk 10G --image http://images.example/debian.qcow2',
    'eschedule boot --name db --disk 5G --add-disk 20G --add-disk 20G',
    'eschedule boot --name web1 --ssh-key ~/.ssh/id_ed25519.pub --user-data setup.yaml',
    'eschedule boot --name web --count 3 --no-wait -o json',
    "eschedule boot --resources 'VCPU:1,MEMORY_MB:512,CUSTOM_GPU:1' --trait HW_CPU_X86_AVX2",
  ],
  about: `Boots an instance on one of the hosts that have room, waits until it is up and prints it. If a host cannot
build the instance, the next host is tried: while a command waits for it, else by \`eschedule audit --fix\`. With --count,
as many as have room are placed and printed (an array with -o json); if some have none, the exit code is 3 and standard error says how many and why.`,
  instances: 'none',
  options: {
    name: { value: 'NAME', describe: 'its name, which is also the guest’s host name' },
    vcpus: { value: 'N', describe: 'number of virtual CPUs; default 1' },
    memory: { value: 'SIZE', describe: 'such as 512, 512M or 2G; default 256M' },
    disk: { value: 'SIZE', describe: 'size of the root disk, such as 10 or 10G; default 1G' },
    'add-disk': { value: 'SIZE', isMany: true, describe: 'a further, empty disk, such as 10 or 10G; may be repeated' },
    image: {
      value: 'URL',
      describe: `http(s) URL of a disk image, or snapshot:NAME; default: image of the config, else ${DEFAULT_IMAGE}`,
    },
    checksum: {
      value: 'SUM',
      describe:
        'sha256:... or sha512:... of the file behind the image’s URL, or the URL of the SHA256SUMS that lists it; other content is refused',
    },
    network: {
      value: 'NAME',
      isMany: true,
      describe: 'a network of the host, or bridge:br0; may be repeated; default: those that the host gives to all',
    },
    ...GUEST_OPTIONS,
    resources: {
      value: 'QUERY',
      describe: 'instead of vcpus, memory and disk: VCPU:1,MEMORY_MB:256,... or a whole query for Placement',
    },
    trait: {
      value: 'TRAIT',
      isMany: true,
      describe: 'the host must have this trait, or with !TRAIT must not; may be repeated',
    },
    'member-of': { value: 'AGGREGATE', describe: 'the host must be a member of this aggregate' },
    count: { value: 'N', describe: 'boot this many at once, named NAME-1, NAME-2, ...' },
    strategy: { value: 'WHICH', describe: `${STRATEGIES.join(', ')}; default: strategy of the config, else spread` },
    retries: {
      value: 'N',
      describe: 'how many other hosts to try if a host cannot build it; default: retries of the config, else 2',
    },
    user: { value: 'USER', describe: 'the user in Placement; default: user of the config, else default' },
    wait: { describe: 'wait until it is up (the default); --no-wait: return when it is placed' },
    ...TIMEOUT,
  },
  plan: (args) => {
    const options = parseBootArgs({
      user: args.one('user'),
      name: args.one('name'),
      vcpus: args.one('vcpus'),
      memory: args.one('memory'),
      disk: args.one('disk'),
      addDisks: args.many('add-disk'),
      networks: args.many('network'),
      image: args.one('image'),
      checksum: args.one('checksum'),
      resources: args.one('resources'),
      traits: args.many('trait'),
      memberOf: args.one('member-of'),
      count: args.one('count'),
      strategy: args.one('strategy'),
      retries: args.one('retries'),
      timeout: args.one('timeout'),
      wait: args.isOn('wait', true),
      guest: guestArgsOf(args),
    });
    return async (context) => (await import('./boot.js')).boot(context, options(context.config));
  },
};

const list: CommandSpec = {
  summary: 'list the instances of a project',
  examples: [
    'eschedule list',
    'eschedule list -o wide',
    'eschedule list --project web-shop',
    'eschedule list --all-projects',
    'eschedule destroy $(eschedule list -o name)',
  ],
  about: 'Lists the instances of one project. Instances of the original eschedule are in none: see --all-projects.',
  instances: 'none',
  options: {
    all: { short: 'a', describe: 'also deleted instances, for an hour' },
    'all-projects': { short: 'A', describe: 'the instances of every project' },
  },
  plan: (args) => {
    const isAll = args.isOn('all', false);
    const isOfAllProjects = args.isOn('all-projects', false);
    if (isOfAllProjects && args.one('project') !== undefined)
      throw usageError('--project and --all-projects exclude each other', 'give one or the other');
    return async (context) => (await import('./list.js')).list(context, { isAll, isOfAllProjects });
  },
};

const show: CommandSpec = {
  summary: 'show an instance in full',
  examples: ['eschedule show web', 'eschedule show web -o json'],
  instances: 'one',
  options: {},
  plan:
    (_args, [uuidOrName = '']) =>
    async (context) =>
      (await import('./show.js')).show(context, { uuidOrName }),
};

const destroy: CommandSpec = {
  summary: 'destroy instances with their disks',
  examples: ['eschedule destroy web', 'eschedule destroy web-1 web-2 --wait', 'eschedule destroy web --force'],
  about: `Returns when the request is stored; --wait waits until they are gone. Prints them only with -o. On a host that is down, they are
destroyed when its agent is back. --force gives them up at once: Placement can allocate their room to others, although a guest
may still run there; the domain and the disk stay on the host until its agent is back and removes them.`,
  instances: 'many',
  options: {
    wait: { describe: 'wait until they are gone' },
    force: { describe: 'only if the host is down: do not wait for it' },
    ...TIMEOUT,
  },
  plan: (args, uuidsOrNames) => {
    const timeout = timeoutOf(args);
    const isWaiting = args.isOn('wait', false);
    const isForced = args.isOn('force', false);
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      return (await import('./destroy.js')).destroy(context, { uuidsOrNames, isWaiting, isForced, timeoutSeconds });
    };
  },
};

const hosts: CommandSpec = {
  summary: 'list the hosts and their usage',
  examples: ['eschedule hosts', 'eschedule hosts -o json'],
  about: `Amounts are used/usable. The state is the agent's: up or down. A host that takes no new instances is draining, and
drained when nothing is left there; see \`eschedule host --help\`.`,
  instances: 'none',
  options: {},
  plan: () => async (context) => (await import('./hosts.js')).hosts(context),
};

const audit: CommandSpec = {
  summary: 'find, and fix, what does not agree',
  examples: [
    'eschedule audit',
    'eschedule audit --fix --wait',
    'eschedule audit --fix --remove-guests --host compute-3',
  ],
  about: `Compares etcd, Placement and what the agents report of their hosts. It finds allocations without a boot request, requests
without an allocation, instances that their host could not build and another may, copies from which no
shelved instance comes back, domains, disks and console logs of ours
without a request, records and addresses without an instance, and requests of hosts that do not exist. It ignores what is
not ours. --fix fixes what is safe to fix, and says what to do about the rest: it releases, allocates again, moves instances
to another host, removes keys, and asks the agents to remove what is on their hosts. It removes a guest or a disk only with --remove-guests: after a restore of etcd from a backup, younger guests have no
request. Exit codes: 0 nothing found, 3 found, 4 everything found is fixed, 1 some could not be fixed.`,
  instances: 'none',
  options: {
    fix: { describe: 'fix what was found' },
    'remove-guests': { describe: 'with --fix: destroy guests and disks without a request, also running guests' },
    host: { value: 'HOST', describe: 'only what is on this host, by uuid or name' },
    grace: {
      value: 'SECONDS',
      describe: 'ignore allocations younger than this: they may belong to a running boot; default 300',
    },
    wait: { describe: 'with --fix: wait until the agents have done their part' },
    ...TIMEOUT,
  },
  plan: (args) => {
    const timeout = timeoutOf(args);
    const grace = args.one('grace');
    const graceSeconds = grace === undefined ? DEFAULT_GRACE_SECONDS : parseSeconds('grace', grace);
    const host = args.one('host');
    const isFixing = args.isOn('fix', false);
    const isWaiting = args.isOn('wait', false);
    const isRemovingGuests = args.isOn('remove-guests', false);
    if (isWaiting && !isFixing) throw usageError('--wait needs --fix', 'without it there is nothing to wait for');
    if (isRemovingGuests && !isFixing) throw usageError('--remove-guests needs --fix', 'without it nothing is removed');
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      const options = { isFixing, isRemovingGuests, host, graceSeconds, isWaiting, timeoutSeconds };
      return (await import('./audit.js')).audit(context, options);
    };
  },
};

const image: CommandSpec = {
  summary: 'list, prefetch or remove cached images on hosts',
  examples: [
    'eschedule image list',
    'eschedule image prefetch http://images.example/debian.qcow2 --host compute-1 --host compute-2',
    'eschedule image rm http://images.example/debian.qcow2',
    'eschedule image rm snapshot:golden',
  ],
  about: `list shows the hosts' cached images, as their agents last reported. prefetch makes hosts fetch an image before a boot needs
it, and rm makes them remove one, by URL or digest, unless a disk uses it. Both wait until the agents are done and print
their answers. A snapshot is called snapshot:NAME; only rm removes it, on the host that holds it.`,
  instances: 'many',
  operands: 'list | prefetch <image> | rm <image or sha256:...>',
  options: {
    host: { value: 'HOST', isMany: true, describe: 'only this host, by uuid or name; may be repeated; default: all' },
    checksum: {
      value: 'SUM',
      describe: 'with prefetch: sha256:... or sha512:... of the file behind the URL, or the URL of its SHA256SUMS',
    },
    ...TIMEOUT,
  },
  plan: (args, given) => {
    const action = parseImageAction(given);
    const hosts = args.many('host');
    const typed = args.one('checksum');
    const checksum = typed === undefined ? undefined : parseChecksum(typed);
    const timeout = timeoutOf(args);
    if (action.action === 'list') return async (context) => (await import('./image.js')).listImages(context, { hosts });
    const verb = action.action === 'prefetch' ? 'prefetch' : 'remove';
    if (verb === 'remove' && checksum !== undefined)
      throw usageError('--checksum goes with prefetch', 'rm takes a digest in place of the URL');
    return async (context) => {
      const timeoutSeconds = timeout ?? context.config.timeout;
      const options = { verb, image: action.image, checksum, hosts, timeoutSeconds } as const;
      return (await import('./image.js')).wishForImage(context, options);
    };
  },
};

export const COMMANDS: Readonly<Record<string, CommandSpec>> = {
  boot,
  list,
  show,
  logs,
  console: guestConsole,
  ssh,
  tunnel,
  ...Object.fromEntries(Object.values(WISH_COMMANDS).map((command) => [command.name, command])),
  unshelve,
  destroy,
  hosts,
  host,
  image,
  audit,
  'etcd-roles': etcdRoles,
};
