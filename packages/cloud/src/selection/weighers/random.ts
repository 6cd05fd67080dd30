/** All hosts weigh the same; ties are broken at random (host-pool.ts). */
export const weighRandom = (): number => 0;
