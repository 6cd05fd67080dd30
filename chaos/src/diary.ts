import { appendFileSync } from 'node:fs';

/** What the program itself did and saw, with times: the other half of every log here. */
export interface Diary {
  readonly path: string;
  readonly note: (text: string) => void;
  /** What was noted between two times. */
  readonly between: (from: Date, to: Date) => readonly string[];
}

export const openDiary = (path: string): Diary => {
  const entries: { at: Date; line: string }[] = [];
  return {
    path,
    note: (text) => {
      const at = new Date();
      const line = `${at.toISOString()} ${text}`;
      entries.push({ at, line });
      // At once: it must be whole when this process is killed.
      appendFileSync(path, `${line}\n`);
    },
    between: (from, to) => entries.filter(({ at }) => at >= from && at <= to).map(({ line }) => line),
  };
};
