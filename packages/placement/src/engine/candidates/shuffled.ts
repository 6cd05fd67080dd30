/** In random order, each as likely as any. @param random 0 <= n < 1 */
export const shuffled = <T>(items: readonly T[], random: () => number): readonly T[] => {
  const result = [...items];
  for (const [at, item] of items.entries()) {
    const other = Math.floor(random() * (at + 1));
    const moved = result[other];
    if (other === at || moved === undefined) continue;
    result[at] = moved;
    result[other] = item;
  }
  return result;
};
