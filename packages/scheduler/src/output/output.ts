import picocolors from 'picocolors';
import { renderError } from './report-error.js';
import { renderTable, type Column } from './table.js';

export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** How a kind of thing is shown. */
export interface Shape<T> {
  /** Columns of `table`; `wide` has these too. */
  readonly columns: readonly Column<T>[];
  readonly wideColumns: readonly Column<T>[];
  /** What `name` prints: something that another command takes. */
  readonly id: (item: T) => string;
  /** Printed when a table would have no rows. */
  readonly none: string;
}

/** Data goes to standard output, words to standard error, and progress only to a terminal. */
export interface Output {
  /** Undefined when the person left the choice to the command. */
  readonly format: OutputFormat | undefined;
  readonly isColorful: boolean;
  /** Whether anybody sees what `progress` says. */
  readonly showsProgress: boolean;
  /** Many things: an array in `json` and `yaml`. */
  readonly list: <T>(items: readonly T[], shape: Shape<T>) => Promise<void>;
  /** One thing: an object in `json` and `yaml`; `text` replaces the table. */
  readonly one: <T>(item: T, shape: Shape<T>, text?: () => string) => Promise<void>;
  /** A line of data as it is. */
  readonly line: (text: string) => void;
  /** An error, in the form that was asked for. */
  readonly error: (thrown: unknown) => void;
  /** A remark for a person. */
  readonly note: (text: string) => void;
  /** A remark on how it goes, which nobody needs afterwards. A `passing` one is written over by what comes next. */
  readonly progress: (text: string, options?: { readonly isPassing?: boolean }) => void;
}

interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  readonly format: OutputFormat | undefined;
  readonly isDebug: boolean;
  readonly stdout: Stream;
  readonly stderr: Stream;
}

const CLEAR_LINE = '\r\u001b[2K';
const DEFAULT_COLUMNS = 80;

/** A terminal that does not know its size says 0. */
const columnsOf = ({ columns = 0 }: Stream): number => (columns > 0 ? columns : DEFAULT_COLUMNS);

export const createOutput = ({ format, isDebug, stdout: out, stderr: err }: OutputOptions): Output => {
  /** There is a line on the terminal that the next one replaces. */
  let isPassing = false;
  const clear = (): void => {
    if (isPassing) err.write(CLEAR_LINE);
    isPassing = false;
  };
  const over = (stream: Stream): Pick<Stream, 'write'> => ({
    write: (text) => {
      clear();
      return stream.write(text);
    },
  });
  const [stdout, stderr] = [over(out), over(err)];
  // picocolors heeds NO_COLOR, and also FORCE_COLOR and CI, which must not put colours into a file.
  const isColorful = out.isTTY === true && picocolors.isColorSupported;
  const print = (text: string): void => {
    stdout.write(text.endsWith('\n') ? text : `${text}\n`);
  };
  const printData = async (data: unknown): Promise<void> => {
    if (format === 'json') return print(JSON.stringify(data, undefined, 2));
    const { stringify } = await import('yaml');
    return print(stringify(data));
  };
  const printTable = <T>(items: readonly T[], shape: Shape<T>): void => {
    if (items.length === 0) {
      stderr.write(`${shape.none}\n`);
      return;
    }
    const columns = format === 'wide' ? [...shape.columns, ...shape.wideColumns] : shape.columns;
    print(renderTable(items, columns, isColorful));
  };
  const list: Output['list'] = async (items, shape) => {
    if (format === 'json' || format === 'yaml') return printData(items);
    if (format === 'name') {
      for (const item of items) print(shape.id(item));
      return undefined;
    }
    return printTable(items, shape);
  };
  return {
    format,
    isColorful,
    showsProgress: err.isTTY === true,
    list,
    one: async (item, shape, text) => {
      if (format === 'json' || format === 'yaml') return printData(item);
      if (text && format !== 'name') return print(text());
      return list([item], shape);
    },
    line: print,
    error: (thrown) => {
      stderr.write(renderError(thrown, { format, isDebug }));
    },
    note: (text) => {
      stderr.write(`${text}\n`);
    },
    progress: (text, options) => {
      if (err.isTTY !== true) return;
      if (options?.isPassing !== true) {
        stderr.write(`${text}\n`);
        return;
      }
      // One that wraps could not be written over.
      stderr.write(text.slice(0, columnsOf(err) - 1));
      isPassing = true;
    },
  };
};
