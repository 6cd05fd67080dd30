/**
 * A query for Placement's allocation candidates. The `text` is what is sent; the rest is as much of it as is understood here,
 * which serves only to explain why a host does not do.
 * https://docs.openstack.org/api-ref/placement/#list-allocation-candidates
 */
export interface ResourceQuery {
  readonly text: string;
  /** Of the unnumbered group: amounts by resource class. */
  readonly resources: Readonly<Record<string, number>>;
  readonly required: readonly string[];
  readonly forbidden: readonly string[];
  readonly memberOf: readonly string[];
  /** Numbered or named groups such as `resources1`: too much to explain here. */
  readonly hasGroups: boolean;
}

/** Characters that may not stand in a URL as they are; `%` may, because a typed query may be encoded already. */
const UNSAFE = /[^\u0021-\u007e]|["#<>\\^`{|}]/gu;

const splitList = (text: string): string[] => text.split(',').filter((part) => part !== '');

const parseResources = (text: string): Record<string, number> =>
  Object.fromEntries(
    splitList(text).map((part) => {
      const [name = '', amount = ''] = part.split(':');
      return [name, Number(amount)];
    }),
  );

/** @param text as typed, such as `resources=VCPU:1,DISK_GB:1&required=HW_CPU_X86_AVX`; Placement is the judge of it. */
export const parseResourceQuery = (text: string): ResourceQuery => {
  const safeText = text.trim().replace(UNSAFE, (character) => encodeURIComponent(character));
  const params = [...new URLSearchParams(safeText)];
  const valuesOf = (name: string): string[] => params.filter(([key]) => key === name).map(([, value]) => value);
  const traits = valuesOf('required').flatMap((value) => (value.startsWith('in:') ? [] : splitList(value)));
  return {
    text: safeText,
    resources: Object.assign({}, ...valuesOf('resources').map(parseResources)),
    required: traits.filter((trait) => !trait.startsWith('!')),
    forbidden: traits.filter((trait) => trait.startsWith('!')).map((trait) => trait.slice(1)),
    memberOf: valuesOf('member_of'),
    hasGroups: params.some(([key]) => /^(resources|required|member_of)./.test(key)),
  };
};

/** The query with a limit: without one the reply grows with the fleet. A limit that was typed stays. */
export const withLimit = (query: ResourceQuery, limit: number): string =>
  /(^|&)limit=/.test(query.text) ? query.text : `${query.text}&limit=${limit}`;

/** For messages: `VCPU 1, MEMORY_MB 256`. */
export const formatResources = (resources: Readonly<Record<string, number>>): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${name} ${amount}`)
    .join(', ');
