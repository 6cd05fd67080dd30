import { badQuery } from './bad-query.js';

export interface TraitsQuery {
  /** One of each of these sets. */
  readonly requiredTraits: readonly (readonly string[])[];
  readonly forbiddenTraits: readonly string[];
}

export interface TraitsRules {
  /** `!TRAIT` */
  readonly mayForbid: boolean;
  /** `in:TRAIT,TRAIT` */
  readonly mayBeAny: boolean;
}

/** All values of a parameter. Before 1.39 only the last one counts. @throws HttpError. */
export const parseTraits = (values: readonly string[], version: number): TraitsQuery => {
  const rules = { mayForbid: version >= 22, mayBeAny: version >= 39 };
  const parsed = (rules.mayBeAny ? values : values.slice(-1)).map((value) => parseTraitsValue(value, rules));
  return {
    requiredTraits: parsed.flatMap(({ requiredTraits }) => requiredTraits),
    forbiddenTraits: parsed.flatMap(({ forbiddenTraits }) => forbiddenTraits),
  };
};

/** @throws HttpError. */
export const parseTraitsValue = (value: string, rules: TraitsRules): TraitsQuery =>
  value.startsWith('in:') ? parseAnyOf(value, rules) : parseAllOf(value, rules);

const parseAnyOf = (value: string, { mayBeAny }: TraitsRules): TraitsQuery => {
  const form = "The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC'";
  if (!mayBeAny) throw badTraits(`${form} only supported since microversion 1.39. Got: ${value}`);
  const traits = namesOf(value.slice('in:'.length));
  if (traits.includes(''))
    throw badTraits(
      `Expected 'required' parameter value of the form: in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: ${value}`,
    );
  if (traits.some(isForbidding)) throw badTraits(`${form} does not support forbidden traits. Got: ${value}`);
  return { requiredTraits: [traits], forbiddenTraits: [] };
};

const parseAllOf = (value: string, { mayForbid }: TraitsRules): TraitsQuery => {
  const traits = namesOf(value);
  // Any number of `!` forbids.
  const forbiddenTraits = traits.filter(isForbidding).map((trait) => trait.replace(/^!+/, ''));
  if (traits.includes('') || forbiddenTraits.includes('')) {
    const form = mayForbid ? 'HW_CPU_X86_VMX,!CUSTOM_MAGIC' : 'HW_CPU_X86_VMX,CUSTOM_MAGIC';
    throw badTraits(`Expected 'required' parameter value of the form: ${form}. Got an empty trait in: ${value}`);
  }
  if (forbiddenTraits.length > 0 && !mayForbid)
    throw badTraits(`Expected 'required' parameter value of the form: HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: ${value}`);
  return { requiredTraits: traits.filter((trait) => !isForbidding(trait)).map((trait) => [trait]), forbiddenTraits };
};

const namesOf = (list: string): readonly string[] => list.split(',').map((name) => name.trim());

const isForbidding = (trait: string): boolean => trait.startsWith('!');

const badTraits = (message: string): Error => badQuery(`Invalid query string parameters: ${message}`);
