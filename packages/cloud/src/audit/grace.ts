/** How young an allocation without a request is left alone: as long as the agents' own. */
export const DEFAULT_GRACE_SECONDS = 300;
