/** A media range of an Accept header. https://www.rfc-editor.org/rfc/rfc9110#name-accept */
interface MediaRange {
  readonly type: string;
  readonly quality: number;
}

/** What the caller likes best of what is offered; undefined when nothing of it will do. Without a header, the first. */
export const chooseType = (header: string | undefined, offers: readonly string[]): string | undefined => {
  if (header === undefined || header.trim() === '') return offers[0];
  const ranges = header.split(',').map(readRange);
  return offers
    .map((offer) => ({ offer, quality: qualityOf(offer, ranges) }))
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)[0]?.offer;
};

const readRange = (text: string): MediaRange => {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return { type, quality: weight === undefined ? 1 : Number(weight.slice(2)) };
};

/** The most specific range that fits decides. */
const qualityOf = (offer: string, ranges: readonly MediaRange[]): number => {
  const [kind] = offer.split('/');
  for (const type of [offer, `${kind}/*`, '*/*']) {
    const range = ranges.find((range) => range.type === type);
    if (range) return range.quality;
  }
  return 0;
};
