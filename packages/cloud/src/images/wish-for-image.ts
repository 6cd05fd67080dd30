import { randomUUID } from 'node:crypto';
import { EcomputeError, type ErrorCode } from '@etcd-compute/common/errors';
import { IMAGE_WISH_TTL_SECONDS, imageWishSchema, type ImageWish } from '@etcd-compute/common/etcd/messages/image-wish';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import type { ProviderUuid } from '@etcd-compute/common/ids';
import { namesOf, type HostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { resolveHost } from '../hosts/resolve-host.js';
import { run, type Run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';
import { isIn, waitUntil } from '../wait-until.js';
import { byHost } from './list-images.js';

export interface ImageWishOptions extends RunOptions {
  /** Uuids or names; an empty list means all hosts that are up. */
  readonly hosts?: readonly string[];
  /** Of the file behind the image's URL. */
  readonly checksum?: string | undefined;
  readonly waitMs: number;
}

/** The outcome of a wish on one host. */
export interface ImageWishView {
  readonly image: string;
  readonly host: string;
  readonly hostName: string | null;
  readonly state: 'done' | 'failed' | 'waiting';
  readonly detail: string;
}

export interface ImageWishResult {
  readonly hosts: readonly ImageWishView[];
  /** The error if some failed, or were not done in time. */
  readonly errors: readonly Error[];
}

interface Asked {
  readonly host: ProviderUuid;
  readonly key: string;
  outcome: ImageWish['outcome'];
}

type Wanted = Pick<ImageWish, 'wish' | 'image' | 'project' | 'source'>;

/** Makes agents fetch or remove an image, and waits for their answers. @throws EcomputeError ECOMPUTE_HOST_UNKNOWN */
export const wishForImage = async (
  services: Services,
  wanted: Wanted,
  options: ImageWishOptions,
): Promise<ImageWishResult> => run(options, async (running) => askHosts(services, { ...options, ...wanted }, running));

const askHosts = async (
  services: Services,
  { wish, image, project, source, checksum, waitMs, hosts = [] }: ImageWishOptions & Wanted,
  { signal, emit }: Run,
): Promise<ImageWishResult> => {
  const presences = await listPresences(services);
  const names = namesOf(presences);
  const chosen =
    hosts.length === 0 ? presences.keys() : hosts.map((host) => resolveHost(host, presences.keys(), names));
  const store = await services.store();
  const lease = await store.grantLease(IMAGE_WISH_TTL_SECONDS);
  const id = randomUUID();
  const asked = [...new Set(chosen)].map((host): Asked => {
    return { host, key: services.keys.imageWish(host, id), outcome: null };
  });
  const value: ImageWish = {
    version: 1,
    wish,
    image,
    ...(project !== undefined && { project }),
    ...(source && { source }),
    ...(checksum !== undefined && { checksum }),
    outcome: null,
  };
  emit({ type: 'image-asked', hosts: asked.map(({ host }) => host) });
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
          timeoutMs: waitMs,
          signal,
          check: async (changed) => {
            const looked = asked.filter(({ key, outcome }) => outcome === null && isIn(changed, key));
            await readOutcomes(services, looked);
            return asked.every(({ outcome }) => outcome !== null);
          },
        });
  // The lease takes along all wishes and their answers.
  if (ended === 'done') await lease.revoke();
  const views = asked.map((one) => viewOf(one, { image, hostName: names(one.host) }));
  return { hosts: views.toSorted(byHost), errors: errorsOf(asked, { wish, image, waitMs, names }) };
};

const readOutcomes = async (services: Services, asked: readonly Asked[]): Promise<void> => {
  const { entries } = await (await services.store()).getMany(asked.map(({ key }) => key));
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

const errorsOf = (
  asked: readonly Asked[],
  { wish, image, waitMs, names }: Wanted & { waitMs: number; names: HostNames },
): EcomputeError[] => {
  const failed = asked.filter(({ outcome }) => outcome?.fault);
  const waiting = asked.filter(({ outcome }) => outcome === null);
  const verb = wish === 'prefetch' ? 'fetch' : 'remove';
  const hostsOf = (which: readonly Asked[]): string =>
    which
      .map(({ host }) => names(host) ?? host)
      .toSorted()
      .join(', ');
  const say = (code: ErrorCode, which: readonly Asked[], more: { time: string; hint: string }): EcomputeError =>
    new EcomputeError(code, `could not ${verb} the image ${image} on ${hostsOf(which)}${more.time}`, {
      details: {
        waitedFor: 'image',
        hosts: which.map(({ host, outcome }) => ({ host, fault: outcome?.fault ?? null })),
      },
      hint: more.hint,
    });
  const [first] = failed;
  if (first) {
    const hint = first.outcome?.fault?.hint ?? 'see what each host says';
    return [say('ECOMPUTE_IMAGE_WISH_FAILED', failed, { time: '', hint })];
  }
  if (waiting.length === 0) return [];
  return [say('ECOMPUTE_TIMED_OUT', waiting, { time: ` within ${waitMs / 1000} s`, hint: 'it goes on' })];
};
