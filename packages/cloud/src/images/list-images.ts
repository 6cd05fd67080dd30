import { imageReportSchema } from '@etcd-compute/common/etcd/messages/image-report';
import { snapshotSchema, type Snapshot } from '@etcd-compute/common/etcd/messages/snapshot';
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
  /** Those that are this image, and of which the host has the only copy for certain. */
  readonly snapshots: readonly SnapshotView[];
}

export interface SnapshotView {
  readonly name: string;
  readonly project: string;
  /** What it was taken of. */
  readonly instance: string;
  /** The guest's file systems were frozen meanwhile, or it did not run. */
  readonly isConsistent: boolean;
  /** The size of its disk. */
  readonly virtualBytes: number;
  readonly createdAt: string;
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
  const snapshots = entries.flatMap(({ key, value }) =>
    services.keys.parseImageSnapshot(key) === undefined ? [] : [parseMessage(snapshotSchema, key, value)],
  );
  const reporting = [...new Set([...reports, ...snapshots].map(({ host }) => host))];
  const names = await findHostNames(services, presences, reporting);
  // An agent that has just started is known, although it has not reported yet.
  const known = new Set([...reporting, ...presences.keys()]);
  const wanted = hosts.length === 0 ? reporting : hosts.map((host) => resolveHost(host, known, names));
  return wanted
    .flatMap((host) => {
      const images = reports.find((report) => report.host === host)?.images ?? [];
      const own = snapshots.filter((snapshot) => snapshot.host === host);
      // One that was just taken is in no report yet.
      const unreported = own
        .filter(({ sha256 }, index) => own.findIndex((one) => one.sha256 === sha256) === index)
        .filter(({ sha256 }) => !images.some((image) => image.sha256 === sha256))
        .map(({ sha256, bytes }) => ({ sha256, bytes, disks: 0, urls: [] }));
      return [...images, ...unreported].map(({ sha256, bytes, disks, urls }): ImageView => ({
        digest: `sha256:${sha256}`,
        host,
        hostName: names(host),
        bytes,
        disks,
        urls,
        snapshots: own.filter((snapshot) => snapshot.sha256 === sha256).map(viewOfSnapshot),
      }));
    })
    .toSorted(byHost);
};

const viewOfSnapshot = (snapshot: Snapshot): SnapshotView => ({
  name: snapshot.name,
  project: snapshot.project,
  instance: snapshot.instance,
  isConsistent: snapshot.is_consistent,
  virtualBytes: snapshot.virtual_bytes,
  createdAt: snapshot.created_at,
});

export const byHost = (
  a: { host: string; hostName: string | null },
  b: { host: string; hostName: string | null },
): number => compareNames(a.hostName ?? a.host, b.hostName ?? b.host);
