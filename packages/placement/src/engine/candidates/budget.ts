/** How much work a search may still do. */
export interface Budget {
  /** @returns false when it is spent. */
  readonly spend: (choices: number) => boolean;
  readonly isSpent: () => boolean;
}

export const createBudget = (choices: number): Budget => {
  let left = choices;
  return {
    spend(choices) {
      left -= choices;
      return left >= 0;
    },
    isSpent: () => left < 0,
  };
};
