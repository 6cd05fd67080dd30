import { parseUuid } from '../../model/uuid.js';
import { badQuery } from './bad-query.js';

export interface MemberOfQuery {
  /** In one aggregate of each of these sets. */
  readonly memberOf: readonly (readonly string[])[];
  readonly forbiddenAggregates: readonly string[];
}

/** All values of a parameter. @param key its name, for what is refused. @throws HttpError. */
export const parseMemberOf = (values: readonly string[], version: number, key = 'member_of'): MemberOfQuery => {
  if (version < 24 && values.length > 1) throw badQuery(`Multiple ${key} parameters are not supported`);
  const parsed = values.map(parseMemberOfValue);
  if (version < 32 && parsed.some(({ isForbidden }) => isForbidden))
    throw badQuery(`Forbidden ${key} parameters are not supported in the specified microversion`);
  return {
    memberOf: parsed.filter(({ isForbidden }) => !isForbidden).map(({ aggregates }) => aggregates),
    forbiddenAggregates: parsed.filter(({ isForbidden }) => isForbidden).flatMap(({ aggregates }) => aggregates),
  };
};

/** `UUID`, `!UUID`, `in:UUID,UUID` or `!in:UUID,UUID`. */
const parseMemberOfValue = (value: string): { aggregates: readonly string[]; isForbidden: boolean } => {
  const isForbidden = value.startsWith('!');
  const rest = isForbidden ? value.slice(1) : value;
  const isList = rest.startsWith('in:');
  if (value.includes(',') && !isList)
    throw badQuery(
      `Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword using the valid microversion. Got: ${value}`,
    );
  const aggregates = isList ? rest.slice('in:'.length).split(',') : [rest];
  for (const aggregate of aggregates)
    if (parseUuid(aggregate) === undefined)
      throw badQuery(
        `Invalid query string parameters: Expected 'member_of' parameter to contain valid UUID(s). Got: ${aggregate}`,
      );
  return { aggregates, isForbidden };
};
