import { imageReportSchema } from '@etcd-compute/common/etcd/messages/image-report';
import { parseMessage } from '@etcd-compute/common/etcd/messages/parse-message';
import { findHostNames } from '../hosts/host-names.js';
import { listPresences } from '../hosts/presences.js';
import { resolveHost } from '../hosts/resolve-host.js';
import { compareNames } from '../compare-names.js';
import { run, type RunOptions } from '../run.js';
import type { Services } from '../services.js';

/** A cached image as `-o json` shows it. Scripts rely on every name in it. */
export interface ImageView {
  readonly digest: string;
  readonly host: string;
  readonly hostName: string | null;
  /** What it takes of the disk. */
  readonly bytes: number;
  /** Disks of instances on it. */
  readonly disks: number;
  readonly urls: readonly string[];
}

export interface ListImagesOptions extends RunOptions {
  /** By uuid or name; none is all. */
  readonly hosts?: readonly string[];
}

/**
 * What the hosts have cached, as their agents last reported it.
 *
 * @throws EcomputeError ECOMPUTE_HOST_UNKNOWN
 */
export const listImages = async (
  services: Services,
  { hosts = [], ...options }: ListImagesOptions = {},
): Promise<ImageView[]> => run(options, async () => listAll(services, hosts));

const listAll = async (services: Services, hosts: readonly string[]): Promise<ImageView[]> => {
  const [presences, { entries }] = await Promise.all([
    listPresences(services),
    services.store().then((store) => store.list(services.keys.images)),
  ]);
  const reports = entries.flatMap(({ key, value }) =>
    services.keys.parseImageReport(key) === undefined ? [] : [parseMessage(imageReportSchema, key, value)],
  );
  const reporting = reports.map(({ host }) => host);
  const names = await findHostNames(services, presences, reporting);
  // An agent that has just started has reported nothing yet, and is known all the same.
  const known = new Set([...reporting, ...presences.keys()]);
  const wanted = hosts.length === 0 ? reporting : hosts.map((host) => resolveHost(host, known, names));
  return reports
    .filter(({ host }) => wanted.includes(host))
    .flatMap(({ host, images }) =>
      images.map(({ sha256, bytes, disks, urls }): ImageView => {
        return { digest: `sha256:${sha256}`, host, hostName: names(host), bytes, disks, urls };
      }),
    )
    .toSorted(byHost);
};

export const byHost = (
  a: { host: string; hostName: string | null },
  b: { host: string; hostName: string | null },
): number => compareNames(a.hostName ?? a.host, b.hostName ?? b.host);
