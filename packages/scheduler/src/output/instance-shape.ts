import type { InstanceView } from '@etcd-compute/cloud/instances/view';
import { formatTime } from '@etcd-compute/common/format-time';
import type { Shape } from './output.js';
import { paintState, type Column } from './table.js';
import { renderTransfer } from './transfer.js';

const NOTHING = '-';

const allAddresses = ({ addresses }: InstanceView): string =>
  addresses.map(({ address, source }) => `${address} (${source})`).join(', ') || NOTHING;

const amount =
  (name: string) =>
  ({ resources }: InstanceView) =>
    String(resources[name] ?? NOTHING);

/** A guest that is paused is up, and does nothing. */
const stateOf = ({ state, power }: InstanceView): string => (power === 'paused' ? power : state);

const PROJECT: Column<InstanceView> = { title: 'PROJECT', cell: ({ project }) => project ?? NOTHING };
const USER: Column<InstanceView> = { title: 'USER', cell: ({ user }) => user ?? NOTHING };

export const instanceShape: Shape<InstanceView> = {
  columns: [
    { title: 'NAME', cell: ({ name }) => name ?? NOTHING },
    { title: 'INSTANCE', cell: ({ instance }) => instance },
    { title: 'STATE', cell: stateOf, isState: true },
    { title: 'HOST', cell: ({ hostName, host }) => hostName ?? host },
    { title: 'ADDRESS', cell: ({ addresses }) => addresses[0]?.address ?? NOTHING },
  ],
  wideColumns: [
    { title: 'POWER', cell: ({ power }) => power },
    { title: 'VCPU', cell: amount('VCPU'), align: 'right' },
    { title: 'MEMORY_MB', cell: amount('MEMORY_MB'), align: 'right' },
    { title: 'DISK_GB', cell: amount('DISK_GB'), align: 'right' },
    { title: 'ADDRESSES', cell: allAddresses },
    { title: 'CREATED', cell: ({ createdAt }) => formatTime(createdAt) },
    { title: 'IMAGE', cell: ({ image }) => image ?? NOTHING },
    { title: 'FAULT', cell: ({ fault }) => fault?.code ?? NOTHING },
    PROJECT,
    USER,
  ],
  id: ({ instance }) => instance,
  none: 'no instances',
};

export const instanceOfAnyProjectShape: Shape<InstanceView> = {
  ...instanceShape,
  columns: [PROJECT, ...instanceShape.columns],
  wideColumns: instanceShape.wideColumns.filter((column) => column !== PROJECT),
};

const renderStep = ({ name, since, progress, transfer }: NonNullable<InstanceView['step']>): string => {
  const told = transfer && {
    bytes: transfer.bytes,
    total_bytes: transfer.totalBytes,
    bytes_per_second: transfer.bytesPerSecond,
  };
  return `${name} since ${formatTime(since)}${progress === null ? '' : `, ${renderTransfer(progress, told)}`}`;
};

const renderDisks = ({ instance, disks }: InstanceView): string[] =>
  disks.map(({ uuid, sizeGiB }) => `  ${uuid}  ${sizeGiB} GiB${uuid === instance ? ', root' : ''}`);

const renderNics = ({ nics }: InstanceView): string[] =>
  (nics ?? []).map(
    ({ network, mac, addresses }) => `  ${network}  mac ${mac ?? 'unknown'}, ${addresses.join(', ') || 'no address'}`,
  );

const hasMeta = ({ meta }: InstanceView): boolean => Object.keys(meta ?? {}).length > 0;

const renderMeta = ({ meta }: InstanceView): string =>
  Object.entries(meta ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .join(', ');

const section = (title: string, lines: readonly string[]): string[] => (lines.length === 0 ? [] : [title, ...lines]);

/** One instance in full, for a person. */
export const renderInstance = (view: InstanceView, isColorful: boolean): string => {
  const { fault, hostName, host } = view;
  const facts: [string, string][] = [
    ['instance', view.instance],
    ['name', view.name ?? NOTHING],
    ['project', view.project ?? NOTHING],
    ['user', view.user ?? NOTHING],
    ['state', isColorful ? paintState(view.state) : view.state],
    ['power', view.pausedBy === null ? view.power : `${view.power} (${view.pausedBy})`],
    ['host', hostName === null ? host : `${hostName} (${host})`],
    [
      'resources',
      Object.entries(view.resources)
        .map(([name, value]) => `${name} ${value}`)
        .join(', ') || NOTHING,
    ],
    ['image', view.image ?? NOTHING],
    ...(hasMeta(view) ? [['meta', renderMeta(view)] satisfies [string, string]] : []),
    ['created', formatTime(view.createdAt)],
    ['updated', formatTime(view.updatedAt)],
  ];
  if (view.locked) facts.push(['locked', view.locked.reason || 'yes']);
  if (view.step) facts.push(['step', renderStep(view.step)]);
  const lines = facts.map(([title, text]) => `${`${title}:`.padEnd(11)}${text}`);
  lines.push(...section('disks:', renderDisks(view)), ...section('interfaces:', renderNics(view)));
  lines.push(view.addresses.length === 0 ? 'addresses: -' : 'addresses:');
  for (const { address, family, mac, source } of view.addresses)
    lines.push(`  ${address}  ${family}, mac ${mac ?? 'unknown'}, from ${source}`);
  // Who has told of an address is said beside it; why others have not is worth a line only where one looks for more.
  for (const [source, said] of Object.entries(view.addressSources ?? {}))
    if (said !== 'found') lines.push(`  ${source}: ${said}`);
  if (fault) {
    lines.push(`fault:     ${fault.code}${fault.step === null ? '' : ` in step ${fault.step}`}: ${fault.message}`);
    if (fault.hint !== null) lines.push(`  hint:    ${fault.hint}`);
  }
  if (view.canMoveOn)
    lines.push(`retry:     ${view.attemptsLeft} more hosts may be tried: \`eschedule audit --fix\` moves it on`);
  const last = view.outcomes.at(-1);
  if (last?.fault) {
    lines.push(`failed:    ${last.kind} at ${formatTime(last.at)}: ${last.fault.message}`);
    if (last.fault.hint !== null) lines.push(`  hint:    ${last.fault.hint}`);
  }
  if (view.transitions.length > 0) lines.push('transitions:');
  for (const { at, state, reason } of view.transitions)
    lines.push(`  ${formatTime(at)}  ${state.padEnd(9)}  ${reason}`);
  return lines.join('\n');
};
