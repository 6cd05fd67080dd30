import { z } from 'zod';

/** How an image that image servers have is named where the URL of an image may stand: by its content, too. */
export interface StoredImage {
  readonly id: string;
  readonly sha256: string;
}

const SCHEME = 'image:';
const IMAGE = /^image:([^@]+)@sha256:([0-9a-f]{64})$/;

export const isStoredImage = (image: string): boolean => image.startsWith(SCHEME);

/** `image:UUID@sha256:...`. @returns undefined for anything else. */
export const parseStoredImage = (image: string): StoredImage | undefined => {
  const [, id, sha256] = IMAGE.exec(image) ?? [];
  return sha256 !== undefined && id !== undefined && z.guid().safeParse(id).success ? { id, sha256 } : undefined;
};

export const formatStoredImage = ({ id, sha256 }: StoredImage): string => `${SCHEME}${id}@sha256:${sha256}`;
