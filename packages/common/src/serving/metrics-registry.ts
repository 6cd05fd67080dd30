/**
 * Metrics in the text format of Prometheus. A metric has few values: its labels never say which thing, only which kind of thing.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export interface Registry {
  readonly counter: (name: string, help: string) => Counter;
  readonly histogram: (name: string, help: string) => Histogram;
  /** What is counted or measured elsewhere, and read when it is asked for. */
  readonly reading: (head: Head, read: () => number) => void;
  readonly render: () => string;
}

export type Labels = Readonly<Record<string, string>>;

export interface Counter {
  readonly add: (labels?: Labels) => void;
}

export interface Histogram {
  readonly observe: (seconds: number, labels?: Labels) => void;
}

const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface Observed {
  /** How many there are of each bucket, without those of smaller buckets; the last one has no bound. */
  readonly counts: number[];
  sum: number;
}

export const createRegistry = (): Registry => {
  const metrics: (() => readonly string[])[] = [];
  const add = ({ name, help, type }: Head, samples: () => readonly string[]): void => {
    metrics.push(() => [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples()]);
  };

  return {
    counter: (name, help) => {
      const values = new Map<string, number>();
      add({ name, help, type: 'counter' }, () =>
        values.size === 0 ? [`${name} 0`] : [...values].map(([labels, value]) => `${name}${braced(labels)} ${value}`),
      );
      return {
        add: (labels = {}) => {
          const key = renderLabels(labels);
          values.set(key, (values.get(key) ?? 0) + 1);
        },
      };
    },
    histogram: (name, help) => {
      const values = new Map<string, Observed>();
      add({ name, help, type: 'histogram' }, () =>
        [...values].flatMap(([labels, observed]) => renderHistogram(name, labels, observed)),
      );
      return {
        observe: (seconds, labels = {}) => {
          const key = renderLabels(labels);
          const observed = values.get(key) ?? {
            counts: Array.from({ length: BUCKETS_SECONDS.length + 1 }, () => 0),
            sum: 0,
          };
          values.set(key, observed);
          const bucket = BUCKETS_SECONDS.findIndex((bound) => seconds <= bound);
          const index = bucket < 0 ? BUCKETS_SECONDS.length : bucket;
          observed.counts[index] = (observed.counts[index] ?? 0) + 1;
          observed.sum += seconds;
        },
      };
    },
    reading: (head, read) => add(head, () => [`${head.name} ${read()}`]),
    render: () => `${metrics.flatMap((metric) => metric()).join('\n')}\n`,
  };
};

export interface Head {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

const renderLabels = (labels: Labels): string =>
  Object.entries(labels)
    .map(
      ([name, value]) => `${name}="${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`,
    )
    .join(',');

const braced = (labels: string): string => (labels === '' ? '' : `{${labels}}`);

const renderHistogram = (name: string, labels: string, { counts, sum }: Observed): readonly string[] => {
  let total = 0;
  const buckets = counts.map((count, index) => {
    total += count;
    const bound = `le="${BUCKETS_SECONDS[index] ?? '+Inf'}"`;
    return `${name}_bucket{${labels === '' ? bound : `${labels},${bound}`}} ${total}`;
  });
  return [...buckets, `${name}_sum${braced(labels)} ${sum}`, `${name}_count${braced(labels)} ${total}`];
};
