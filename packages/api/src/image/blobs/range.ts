import { HttpError } from '../../http/http-error.js';

/** Both ends included. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * One range of bytes, as `Range` asks for it. Anything else gets the whole, as RFC 9110 lets a server do.
 *
 * @throws HttpError 416 for what lies behind the end.
 */
export const readRange = (header: string | undefined, size: number): ByteRange | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  const range =
    first === ''
      ? { start: Math.max(0, size - Number(last)), end: size - 1 }
      : { start: Number(first), end: last === '' ? size - 1 : Math.min(Number(last), size - 1) };
  if (first !== '' && last !== '' && Number(last) < Number(first)) return undefined;
  if (range.start > range.end)
    throw new HttpError(416, `The image has ${size} bytes: it has none of those that were asked for.`, {
      headers: { 'content-range': `bytes */${size}` },
    });
  return range;
};
