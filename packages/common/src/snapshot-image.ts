import { instanceNameSchema } from './ids.js';

/** How a snapshot is named where the URL of an image may stand. */
export interface SnapshotImage {
  readonly name: string;
  /** As it stands in boot requests, where a name alone could come to mean another snapshot. */
  readonly sha256: string | undefined;
}

const SCHEME = 'snapshot:';
const IMAGE = /^snapshot:([^@]+)(?:@sha256:([0-9a-f]{64}))?$/;

export const isSnapshotImage = (image: string): boolean => image.startsWith(SCHEME);

/** `snapshot:NAME` or `snapshot:NAME@sha256:...`. @returns undefined for anything else. */
export const parseSnapshotImage = (image: string): SnapshotImage | undefined => {
  const [, name, sha256] = IMAGE.exec(image) ?? [];
  return name !== undefined && instanceNameSchema.safeParse(name).success ? { name, sha256 } : undefined;
};

export const formatSnapshotImage = ({ name, sha256 }: { readonly name: string; readonly sha256?: string }): string =>
  `${SCHEME}${name}${sha256 === undefined ? '' : `@sha256:${sha256}`}`;
