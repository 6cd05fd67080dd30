import { Range, type Etcd3, type IWatchRequest, type IWatchResponse } from 'etcd3';
import { toError } from '../errors.js';

/** What is watched: all keys under a prefix, or some keys by name. */
export type WatchTarget = { readonly prefix: string } | { readonly keys: readonly string[] };

export interface WatchHandlers {
  /** Keys that changed; a hint, never the truth. */
  readonly onChange: (keys: readonly string[]) => void;
  /** Called once: the watch is over and may have missed something. */
  readonly onEnd: (reason: string) => void;
}

const createRequests = (target: WatchTarget, start_revision: string): IWatchRequest[] => {
  if ('keys' in target)
    return target.keys.map((key) => ({ create_request: { key: Buffer.from(key), start_revision } }));
  const { start, end } = Range.prefix(target.prefix);
  return [{ create_request: { key: start, range_end: end, start_revision } }];
};

/**
 * Watches on a stream of its own, which carries any number of keys and ends at the first sign of trouble.
 *
 * @returns ends the watch; `onEnd` is not called then.
 */
export const openWatch = (
  client: Etcd3,
  target: WatchTarget,
  { fromRevision, onChange, onEnd }: WatchHandlers & { readonly fromRevision: string },
): (() => void) => {
  let stop = (): void => undefined;
  let hasEnded = false;
  const close = (): void => {
    hasEnded = true;
    stop();
  };
  const end = (reason: string): void => {
    if (hasEnded) return;
    close();
    onEnd(reason);
  };
  const onReply = ({ canceled, cancel_reason, compact_revision, events }: IWatchResponse): void => {
    if (hasEnded) return;
    if (canceled) end(cancel_reason || `ended by etcd at revision ${compact_revision}, probably compacted`);
    else if (events.length > 0) onChange(events.map(({ kv }) => kv.key.toString()));
  };
  const open = async (): Promise<void> => {
    const stream = await client.watchClient.watch();
    stop = () => {
      // Half-closed first: when a stream is cancelled while it can be written to, etcd3 takes the whole member for broken.
      stream.end();
      stream.cancel();
    };
    stream.on('error', (err) => end(toError(err).message));
    stream.on('end', () => end('ended'));
    stream.on('data', onReply);
    if (hasEnded) stop();
    else for (const request of createRequests(target, fromRevision)) stream.write(request);
  };
  open().catch((err: unknown) => end(toError(err).message));
  return close;
};
