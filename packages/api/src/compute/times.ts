/** Where answers have a time without a zone. @param time in milliseconds since 1970. */
export const toTime = (time: number): string => new Date(time).toISOString().replace(/Z$/, '000');
