import { z } from 'zod';

/**
 * How `eschedule` asks an agent for a console or a tunnel, and another agent for a snapshot: HTTP/1.1 over TLS with a pre-shared key, which is in etcd.
 *
 *   GET /instances/<instance>/console?follow=true&live=true&tail=20|from=<position>
 *     200  bytes of one file of the log, from `position` on to its end; with `follow`, until the log is continued elsewhere. Whoever
 *          wants what comes then asks again, from where the bytes ended: so a reader who was cut off goes on the same way. `live` is for
 *          people who type: what comes is sent at once.
 *   GET /instances/<instance>/tunnel?port=22, connection: upgrade, upgrade: ecompute-tunnel
 *     101  from here on the bytes of a connection to that port of the guest
 *   GET /instances/<instance>/input?by=<name>&force=true, connection: upgrade, upgrade: ecompute-input
 *     101  from here on the client's bytes are typed at the guest's console. The agent sends an empty line now and then, and at
 *          the end one line of `{code, message, hint}` when it is not the client who has ended it. What the guest answers is in its console log.
 *   GET /snapshots/<id>, range: bytes=<first>-, if-range: <etag>
 *     200 or 206  the file of a snapshot, to who connects with the snapshot's own key, as `snapshotIdentity`: other agents of the cloud
 *   GET /images/<sha256>, range: bytes=<first>-, if-range: <etag>
 *     200 or 206  the content of an image, of an image server instead of an agent, to who connects with the key of that content, as
 *          `imageIdentity`: agents whose guests boot from it, and the other image servers
 *   else a status of 4xx or 5xx, and `{code, message, hint}` in JSON
 */

export const ENDPOINT_TLS = {
  // OpenSSL has no pre-shared keys of our own in TLS 1.3 that Node could set. This cipher has forward secrecy and is authenticated.
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
} as const;

/** Whose key a connection is made with that may fetch one snapshot, and nothing else. */
export const snapshotIdentity = (id: string): string => `snapshot:${id}`;

export const parseSnapshotIdentity = (identity: string): string | undefined => /^snapshot:(.+)$/.exec(identity)?.[1];

export const snapshotPath = (id: string): string => `/snapshots/${id}`;

/** Whose key a connection is made with that may fetch one content of images, and nothing else. */
export const imageIdentity = (sha256: string): string => `image:${sha256}`;

export const parseImageIdentity = (identity: string): string | undefined =>
  /^image:([0-9a-f]{64})$/.exec(identity)?.[1];

export const imagePath = (sha256: string): string => `/images/${sha256}`;

export const parseImagePath = (path: string): string | undefined => /^\/images\/([0-9a-f]{64})$/.exec(path)?.[1];

export const TUNNEL_PROTOCOL = 'ecompute-tunnel';
export const INPUT_PROTOCOL = 'ecompute-input';

/** Who types, as others are told: a name and a machine. */
export const typistSchema = z.string().regex(/^[\w.@-]{1,100}$/, 'expected up to 100 letters, digits and . _ @ -');

/** `chris@desk`, of any names. */
export const formatTypist = (name: string, machine: string): string => {
  const clean = (text: string): string => text.replaceAll(/[^\w.-]/g, '_').slice(0, 48) || 'somebody';
  return `${clean(name)}@${clean(machine)}`;
};

export const CONSOLE_HEADERS = {
  /** Where the bytes begin. */
  position: 'ecompute-position',
  /** `true`: nothing is newer than this file. */
  newest: 'ecompute-newest',
  /** `true`: the bytes do not go on where it was asked. */
  gap: 'ecompute-gap',
} as const;

/** A place in a log: a file, by an id that it keeps when it is moved aside, and an offset in it. */
export interface ConsolePosition {
  readonly file: string;
  readonly offset: number;
}

export const formatPosition = ({ file, offset }: ConsolePosition): string => `${file}:${offset}`;

export const parsePosition = (text: string): ConsolePosition | undefined => {
  const [, file, offset] = /^([0-9a-f]{1,16}-[0-9a-f]{1,24}):(\d{1,15})$/.exec(text) ?? [];
  return file === undefined ? undefined : { file, offset: Number(offset) };
};
