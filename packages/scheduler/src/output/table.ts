import picocolors from 'picocolors';

export interface Column<T> {
  readonly title: string;
  readonly cell: (item: T) => string;
  readonly align?: 'right';
  /** Colours a state by what it means; the text stays the same. */
  readonly isState?: true;
}

const GAP = '  ';

/** Unsupported is a matter of the caller: here colours are wanted. */
const colors = picocolors.createColors(true);
type Paint = (text: string) => string;

const STATE_COLORS: Readonly<Record<string, Paint>> = {
  active: colors.green,
  up: colors.green,
  error: colors.red,
  down: colors.red,
  building: colors.yellow,
  deleting: colors.yellow,
  scheduled: colors.yellow,
  draining: colors.yellow,
  paused: colors.yellow,
  deleted: colors.dim,
  stopped: colors.dim,
  shelved: colors.dim,
};

/** A state in its colour; what follows a comma is what is wrong with it. */
export const paintState = (state: string, text = state): string =>
  (state.includes(', ') ? colors.red : STATE_COLORS[state])?.(text) ?? text;

const pad = (text: string, width: number, align: 'right' | undefined): string =>
  align === 'right' ? text.padStart(width) : text.padEnd(width);

/** Columns as wide as their widest cell, titles in capitals, no lines. Ends without a line break. */
export const renderTable = <T>(items: readonly T[], columns: readonly Column<T>[], isColorful: boolean): string => {
  const rows = items.map((item) => columns.map(({ cell }) => cell(item)));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const renderRow = (row: readonly string[], isTitle: boolean): string =>
    columns
      .map(({ align, isState }, index) => {
        const text = row[index] ?? '';
        // Nothing follows the last one: spaces there would only be in the way, and colours would hide them from trimEnd.
        const isLast = index === columns.length - 1 && align === undefined;
        const padded = isLast ? text : pad(text, widths[index] ?? 0, align);
        if (!isColorful) return padded;
        if (isTitle) return colors.bold(padded);
        return isState ? paintState(text, padded) : padded;
      })
      .join(GAP)
      .trimEnd();
  const titles = columns.map(({ title }) => title);
  return [renderRow(titles, true), ...rows.map((row) => renderRow(row, false))].join('\n');
};
