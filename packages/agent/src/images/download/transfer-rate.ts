const WINDOW_MS = 5000;
const SAMPLE_MS = 200;

/** The rate of the last seconds, of a count that only grows. `add` returns it per second, undefined at the beginning. */
export const createRate = (now: () => number): { readonly add: (count: number) => number | undefined } => {
  const samples: { at: number; count: number }[] = [];
  return {
    add: (count) => {
      const at = now();
      const latest = samples.at(-1);
      if (!latest || at - latest.at >= SAMPLE_MS) samples.push({ at, count });
      while (samples.length > 2 && at - (samples[0]?.at ?? at) > WINDOW_MS) samples.shift();
      const [first] = samples;
      const elapsedMs = first ? at - first.at : 0;
      return first && elapsedMs >= SAMPLE_MS ? Math.max(0, ((count - first.count) * 1000) / elapsedMs) : undefined;
    },
  };
};
