import { Range, type Etcd3, type IEvent, type IWatchRequest, type IWatchResponse } from 'etcd3';
import { toError } from '../errors.js';

/** What is watched: all keys under a prefix, or some keys by name. */
export type WatchTarget = { readonly prefix: string } | { readonly keys: readonly string[] };

/** What a key holds since a revision. */
export interface WatchEvent {
  readonly key: string;
  /** Undefined when it was deleted. */
  readonly value: string | undefined;
  readonly modRevision: string;
}

export interface WatchHandlers {
  /** Keys that changed; a hint, never the truth. */
  readonly onChange?: (keys: readonly string[]) => void;
  /**
   * For who keeps a copy: what has changed, in order, and always all of a revision at once. Called beside `onChange`. Only of a
   * prefix: several keys are watched one by one.
   */
  readonly onEvents?: (events: readonly WatchEvent[]) => void;
  /** Called once: the watch is over and may have missed something. */
  readonly onEnd: (reason: string) => void;
}

const createRequests = (target: WatchTarget, start_revision: string): IWatchRequest[] => {
  if ('keys' in target)
    return target.keys.map((key) => ({ create_request: { key: Buffer.from(key), start_revision } }));
  const { start, end } = Range.prefix(target.prefix);
  return [{ create_request: { key: start, range_end: end, start_revision } }];
};

const toWatchEvent = ({ type, kv }: IEvent): WatchEvent => ({
  key: kv.key.toString(),
  value: type === 'Delete' ? undefined : kv.value.toString(),
  modRevision: kv.mod_revision,
});

/**
 * Watches on a stream of its own, which carries any number of keys and ends at the first sign of trouble.
 *
 * @returns ends the watch; `onEnd` is not called then.
 */
export const openWatch = (
  client: Etcd3,
  target: WatchTarget,
  { fromRevision, onChange, onEvents, onEnd }: WatchHandlers & { readonly fromRevision: string },
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
    else if (events.length > 0) {
      onEvents?.(events.map(toWatchEvent));
      onChange?.(events.map(({ kv }) => kv.key.toString()));
    }
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
