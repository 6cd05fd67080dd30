import { randomUUID } from 'node:crypto';
import { EcomputeError, type ErrorCode } from '@etcd-compute/common/errors';
import { imageReportSchema } from '@etcd-compute/common/etcd/messages/image-report';
import { IMAGE_WISH_TTL_SECONDS, imageWishSchema, type ImageWish } from '@etcd-compute/common/etcd/messages/image-wish';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { providerUuidSchema, type ProviderUuid } from '@etcd-compute/common/ids';
import { EXIT_CODES } from '../exit-code.js';
import { findHostNames, namesOf, type HostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { imageShape, imageWishShape, type ImageView, type ImageWishView } from '../output/image-shape.js';
import { isIn, waitUntil } from '../waiting/wait-until.js';
import type { CommandContext } from './context.js';

/** The caches of images of the hosts: what the agents report of them, and wishes that the agents carry out. */
export const listImages = async (
  { cloud, output }: CommandContext,
  { hosts }: { hosts: readonly string[] },
): Promise<number> => {
  const [presences, { entries }] = await Promise.all([
    listPresences(cloud),
    cloud.store().then((store) => store.list(cloud.keys.images)),
  ]);
  const reports = entries.flatMap(({ key, value }) =>
    cloud.keys.parseImageReport(key) === undefined ? [] : [parseMessage(imageReportSchema, key, value)],
  );
  const reporting = reports.map(({ host }) => host);
  const names = await findHostNames(cloud, presences, reporting);
  // An agent that has just started has reported nothing yet, and is known all the same.
  const known = [...new Set([...reporting, ...presences.keys()])];
  const wanted = hosts.length === 0 ? reporting : hosts.map((host) => resolveHost(host, known, names));
  const views = reports
    .filter(({ host }) => wanted.includes(host))
    .flatMap(({ host, images }) =>
      images.map(({ sha256, bytes, disks, urls }): ImageView => {
        return { digest: `sha256:${sha256}`, host, hostName: names(host), bytes, disks, urls };
      }),
    );
  await output.list(views.toSorted(inOrder), imageShape);
  return EXIT_CODES.done;
};

const inOrder = (a: { host: string; hostName: string | null }, b: { host: string; hostName: string | null }): number =>
  (a.hostName ?? a.host).localeCompare(b.hostName ?? b.host, 'en', { numeric: true });

const resolveHost = (uuidOrName: string, hosts: readonly ProviderUuid[], names: HostNames): ProviderUuid => {
  const uuid = providerUuidSchema.safeParse(uuidOrName).data;
  const [found, second] = hosts.filter((host) => host === uuid || names(host) === uuidOrName);
  if (found !== undefined && second === undefined) return found;
  const what =
    found === undefined ? `there is no host '${uuidOrName}' that is up` : `several hosts are '${uuidOrName}'`;
  throw new EcomputeError('ECOMPUTE_HOST_UNKNOWN', what, { hint: 'give its uuid: see `eschedule hosts`' });
};

export interface ImageWishOptions {
  readonly wish: ImageWish['wish'];
  readonly image: string;
  readonly checksum: string | undefined;
  /** By uuid or name; none is all that are up. */
  readonly hosts: readonly string[];
  readonly timeoutSeconds: number;
}

interface Asked {
  readonly host: ProviderUuid;
  readonly key: string;
  outcome: ImageWish['outcome'];
}

/** Asks the agents of hosts, and waits for what they say. */
export const wishForImage = async (context: CommandContext, options: ImageWishOptions): Promise<number> => {
  const { cloud, output, interruption } = context;
  const { wish, image, checksum, timeoutSeconds } = options;
  const presences = await listPresences(cloud);
  const names = namesOf(presences);
  const up = [...presences.keys()];
  const hosts = options.hosts.length === 0 ? up : options.hosts.map((host) => resolveHost(host, up, names));
  const store = await cloud.store();
  const lease = await store.grantLease(IMAGE_WISH_TTL_SECONDS);
  const id = randomUUID();
  const asked = [...new Set(hosts)].map((host): Asked => ({
    host,
    key: cloud.keys.imageWish(host, id),
    outcome: null,
  }));
  const value: ImageWish = { version: 1, wish, image, ...(checksum !== undefined && { checksum }), outcome: null };
  interruption.describe = () => 'the agents that were asked go on';
  await Promise.all(
    asked.map(async ({ key }) =>
      store.txn([{ key, modRevision: '0' }], [{ op: 'put', key, value: JSON.stringify(value), lease: lease.id }]),
    ),
  );
  const ended =
    asked.length === 0
      ? 'done'
      : await waitUntil({
          store,
          keys: () => asked.map(({ key }) => key),
          timeoutMs: timeoutSeconds * 1000,
          signal: interruption.signal,
          check: async (changed) => {
            const looked = asked.filter(({ key, outcome }) => outcome === null && isIn(changed, key));
            await readOutcomes(context, looked);
            return asked.every(({ outcome }) => outcome !== null);
          },
        });
  // With it go all that was asked and answered.
  if (ended === 'done') await lease.revoke();
  const views = asked.map((one) => viewOf(one, { image, hostName: names(one.host) }));
  await output.list(views.toSorted(inOrder), imageWishShape);
  return finish(asked, { ended, options, names });
};

const readOutcomes = async ({ cloud }: CommandContext, asked: readonly Asked[]): Promise<void> => {
  const { entries } = await (await cloud.store()).getMany(asked.map(({ key }) => key));
  for (const [index, entry] of entries.entries()) {
    const one = asked[index];
    if (entry && one) one.outcome = parseMessage(imageWishSchema, entry.key, entry.value).outcome;
  }
};

const viewOf = (
  { host, outcome }: Asked,
  { image, hostName }: { image: string; hostName: string | null },
): ImageWishView => ({
  image,
  host,
  hostName,
  state: outcome === null ? 'waiting' : outcome.fault ? 'failed' : 'done',
  detail: outcome === null ? 'it goes on' : (outcome.fault?.message ?? outcome.done ?? ''),
});

const finish = (
  asked: readonly Asked[],
  {
    ended,
    options: { wish, image, timeoutSeconds },
    names,
  }: { ended: 'done' | 'timed-out'; options: ImageWishOptions; names: HostNames },
): number => {
  const failed = asked.filter(({ outcome }) => outcome?.fault);
  const verb = wish === 'prefetch' ? 'fetch' : 'remove';
  const hostsOf = (which: readonly Asked[]): string =>
    which
      .map(({ host }) => names(host) ?? host)
      .toSorted()
      .join(', ');
  const say = (code: ErrorCode, which: readonly Asked[], hint: string): EcomputeError =>
    new EcomputeError(
      code,
      `could not ${verb} the image ${image} on ${hostsOf(which)}${code === 'ECOMPUTE_TIMED_OUT' ? ` within ${timeoutSeconds} s` : ''}`,
      { details: { hosts: which.map(({ host, outcome }) => ({ host, fault: outcome?.fault ?? null })) }, hint },
    );
  const [first] = failed;
  if (first) throw say('ECOMPUTE_IMAGE_WISH_FAILED', failed, first.outcome?.fault?.hint ?? 'see what each host says');
  if (ended === 'timed-out') {
    const waiting = asked.filter(({ outcome }) => outcome === null);
    throw say('ECOMPUTE_TIMED_OUT', waiting, 'it goes on: see `eschedule image list`');
  }
  return EXIT_CODES.done;
};
