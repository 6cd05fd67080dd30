import { createDeck, createRandom } from '../random.js';
import { REQUEST_KINDS, specOfRequest, type RequestKind } from './request-kinds.js';

/** What a client asks an eapi for. */
export interface ApiRequest {
  /** Since the round's beginning. */
  readonly atMs: number;
  readonly kind: RequestKind;
  /** Which eapi is asked. */
  readonly eapi: number;
  /** Of what is new. */
  readonly name: string;
  /** Any number: chooses of what there is then. */
  readonly draw: number;
}

export interface RequestPlanOptions {
  readonly seed: number;
  /** How many there are. */
  readonly eapis: number;
  readonly withinMs: number;
}

const REQUESTS_A_ROUND = [5, 8] as const;
/** So that the commands of a seed are the same with and without eapi. */
const OWN_SEED = 0x5eed;
const MOST_DRAWN = 2 ** 20;

/** @returns a function that plans one round after the other: none where there is no eapi. */
export const createRequestPlanner = ({ seed, eapis, withinMs }: RequestPlanOptions): (() => readonly ApiRequest[]) => {
  if (eapis === 0) return () => [];
  const random = createRandom(seed + OWN_SEED);
  const draw = createDeck(random, new Map(REQUEST_KINDS.map((kind) => [kind, specOfRequest(kind).weight])));
  let planned = 0;
  return () =>
    Array.from({ length: random.whole(...REQUESTS_A_ROUND) }, (): ApiRequest => {
      planned += 1;
      return {
        atMs: random.whole(0, withinMs),
        kind: draw(),
        eapi: random.whole(0, eapis - 1),
        name: `s${seed}-${planned}`,
        draw: random.whole(0, MOST_DRAWN),
      };
    });
};
