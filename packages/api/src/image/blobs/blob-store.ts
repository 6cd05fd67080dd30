import type { Readable } from 'node:stream';
import type { Staged } from '../state/records.js';
import type { Received } from './receive.js';

/**
 * Keeps contents, each by a name. The first 64 characters of a name are the content's sha256 in hexadecimal digits; nothing else is asked of
 * it by others than its store.
 */
export interface BlobStore {
  /** As clients are told it. */
  readonly id: StoreId;
  /** Of a content that is to come. */
  readonly newName: (sha256: string) => string;
  /** Repeatable, until what was received is disposed of. Who calls it calls `removeUnless` later. */
  readonly keep: (received: Received, name: string) => Promise<void>;
  readonly has: (name: string) => Promise<boolean>;
  /** @returns undefined when it is not there. */
  readonly open: (name: string) => Promise<OpenBlob | undefined>;
  /** @param isWanted whether a record names it, as of now. */
  readonly removeUnless: (name: string, isWanted: () => Promise<boolean>) => Promise<void>;
  /** Those that may go when no record names them: not what a server is about to name. @param isThere whether that server lives. */
  readonly list: (isThere: (server: string) => boolean) => Promise<readonly string[]>;
  /** Removes halves that servers have left that are gone. */
  readonly removeLeftovers: (isThere: (server: string) => boolean) => Promise<void>;
}

export type StoreId = 'folder' | 's3';

/** A content that is open for reading. */
export interface OpenBlob extends AsyncDisposable {
  readonly size: number;
  /** Closes it at its end, or when it is destroyed. @param range both ends included. */
  readonly read: (range?: { readonly start: number; readonly end: number }) => Readable;
}

/** What records say of where a content is. */
export type BlobPlace = Pick<Staged, 'sha256' | 'object' | 'server'>;

export const nameOf = ({ sha256, object }: Pick<BlobPlace, 'sha256' | 'object'>): string => object ?? sha256;
export const sha256Of = (name: string): string => name.slice(0, 64);
export const storeOf = ({ object }: Pick<BlobPlace, 'object'>): StoreId => (object === undefined ? 'folder' : 's3');
/** What records say of a name. */
export const placeOf = (name: string): { readonly object?: string } =>
  name === sha256Of(name) ? {} : { object: name };
