import type { Resources, Want } from './capacity.js';

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

/**
 * A query as people type it. It is asked for as it is; what is understood of it serves to explain why a host does not do.
 *
 * @param text such as `resources=VCPU:1,DISK_GB:1&required=HW_CPU_X86_AVX`; Placement is the judge of it.
 */
export const parseWant = (text: string): Want => {
  const query = text.trim().replace(UNSAFE, (character) => encodeURIComponent(character));
  const params = [...new URLSearchParams(query)];
  const valuesOf = (name: string): string[] => params.filter(([key]) => key === name).map(([, value]) => value);
  const traits = valuesOf('required').flatMap((value) => (value.startsWith('in:') ? [] : splitList(value)));
  return {
    resources: Object.assign({}, ...valuesOf('resources').map(parseResources)),
    required: traits.filter((trait) => !trait.startsWith('!')),
    forbidden: traits.filter((trait) => trait.startsWith('!')).map((trait) => trait.slice(1)),
    memberOf: valuesOf('member_of'),
    query,
  };
};

/** As Placement takes it. https://docs.openstack.org/api-ref/placement/#list-allocation-candidates */
export const renderQuery = ({ resources, required = [], forbidden = [], memberOf = [], query }: Want): string => {
  if (query !== undefined) return query;
  const traits = [...required, ...forbidden.map((trait) => `!${trait}`)];
  return [
    `resources=${Object.entries(resources)
      .map(([name, amount]) => `${name}:${amount}`)
      .join(',')}`,
    ...(traits.length === 0 ? [] : [`required=${traits.join(',')}`]),
    ...memberOf.map((aggregates) => `member_of=${aggregates}`),
  ].join('&');
};

/** The query with a limit: without one the reply grows with the fleet. A limit that was typed stays. */
export const renderQueryWithLimit = (want: Want, limit: number): string => {
  const query = renderQuery(want);
  return /(^|&)limit=/.test(query) ? query : `${query}&limit=${limit}`;
};

/** For messages: `VCPU 1, MEMORY_MB 256`. */
const formatResources = (resources: Resources): string =>
  Object.entries(resources)
    .map(([name, amount]) => `${name} ${amount}`)
    .join(', ');

/** For messages. */
export const formatWant = (want: Want): string =>
  Object.keys(want.resources).length > 0 ? formatResources(want.resources) : renderQuery(want);
