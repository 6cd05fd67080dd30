import type { Amounts } from '../../model/entities.js';
import { badQuery } from './bad-query.js';

const FORM =
  'Badly formed resources parameter. Expected resources query string parameter in form: ?resources=VCPU:2,MEMORY_MB:1024.';

/** `VCPU:2,MEMORY_MB:1024`. @throws HttpError. */
export const parseResources = (text: string): Amounts => {
  if (text.trim() === '') throw badQuery(`${FORM} Got: empty string.`);
  return Object.fromEntries(text.split(',').map(parseAmount));
};

const parseAmount = (text: string): readonly [string, number] => {
  const [name, amount, ...rest] = text.split(':');
  if (name === undefined || amount === undefined || rest.length > 0) throw badQuery(`${FORM} Got: ${text}.`);
  if (!/^\s*[+-]?\d+\s*$/.test(amount))
    throw badQuery(`Requested resource ${name} expected positive integer amount. Got: ${amount}.`);
  const number = Number(amount);
  if (number < 1) throw badQuery(`Requested resource ${name} requires amount >= 1. Got: ${number}.`);
  return [name, number];
};
