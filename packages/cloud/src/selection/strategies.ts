/** How one of several hosts with room is chosen. Each is a weigher of the same name. */
export const STRATEGIES = ['spread', 'pack', 'random'] as const;
export type Strategy = (typeof STRATEGIES)[number];

/** One that a newer version knows is none here. */
export const toStrategy = (text: string): Strategy => STRATEGIES.find((known) => known === text) ?? 'spread';
