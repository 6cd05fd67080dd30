import { stat } from 'node:fs/promises';
import { parseImageChecksum } from '@etcd-compute/common/image-checksum';
import type { Logger } from '@etcd-compute/common/log';
import { isServerAway } from '../download/away.js';
import { imagePath, imageExists } from '../format/cached-image.js';
import type { WantedDigest } from '../verify/checksum.js';
import { findInChecksumList } from '../verify/checksum-list.js';
import { addFile, RunningDigests, type Digests } from '../download/digests.js';
import type { DownloadSettings } from '../download/download.js';
import { fetchChecksumList } from '../verify/fetch-checksum-list.js';
import type { UrlEntries, UrlEntry } from './url-entries.js';

export interface DigestDeps {
  readonly folder: string;
  readonly entries: UrlEntries;
  readonly settings: DownloadSettings;
  readonly log: Logger;
}

/** What a checksum asks for. A list is fetched each time, as it may have changed; where its server is away, what it last said holds. */
export const findWanted = async (
  { settings: { source, retry, stallMs }, log }: DigestDeps,
  { url, checksum, signal }: { url: string; checksum: string; signal: AbortSignal },
  known: UrlEntry | undefined,
): Promise<WantedDigest> => {
  const parsed = parseImageChecksum(checksum);
  if (parsed.kind === 'digest') return parsed;
  const listUrl = parsed.url;
  const wasVerified = known?.verifiedBy === listUrl;
  const attempts = wasVerified ? 1 : retry.attempts;
  try {
    const text = await fetchChecksumList({
      url: listUrl,
      source,
      retry: { ...retry, attempts },
      timeoutMs: stallMs,
      signal,
    });
    return findInChecksumList(text, { url, listUrl });
  } catch (err) {
    if (!wasVerified || !isServerAway(err)) throw err;
    log.warn({ err, url, verifiedBy: listUrl }, 'server of the list of checksums is away, using what it last said');
    return { algorithm: 'sha256', digits: known.sentSha256, listUrl };
  }
};

/** Of what the server sent; without the SHA-512 when nobody can tell any more, as it was packed. */
export const sentDigests = async (
  { entries, folder }: DigestDeps,
  entry: UrlEntry,
  { wanted, signal }: { wanted: WantedDigest; signal: AbortSignal },
): Promise<Digests> => {
  const { sentSha256: sha256, sentSha512 } = entry;
  if (sentSha512 !== null) return { sha256, sha512: sentSha512 };
  if (wanted.algorithm === 'sha256' || entry.sha256 !== sha256) return { sha256 };
  const path = imagePath(folder, sha256);
  const digests = new RunningDigests('sha512');
  await addFile(digests, path, { bytes: (await stat(path)).size, signal });
  const { sha512 = null } = digests.digest();
  await entries.write({ ...entry, sentSha512: sha512 });
  return { sha256, ...(sha512 !== null && { sha512 }) };
};

/** An image that is that file, and came from another URL; or from this one, before it gave something else. */
export const findByDigest = async (
  { entries, folder }: DigestDeps,
  { algorithm, digits }: WantedDigest,
): Promise<string | undefined> => {
  const sent = (await entries.list()).filter(
    (entry) => (algorithm === 'sha256' ? entry.sentSha256 : entry.sentSha512) === digits,
  );
  const named = algorithm === 'sha256' ? [digits] : [];
  for (const sha256 of [...sent.map((entry) => entry.sha256), ...named])
    if (await imageExists(folder, sha256)) return sha256;
  return undefined;
};
