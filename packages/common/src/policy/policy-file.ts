import { EcomputeError } from '../errors.js';
import { parse } from 'yaml';
import { parseRule } from './parse-rule.js';

/**
 * Reads an operator's policy.yaml: rules by name. JSON is YAML too.
 *
 * @param source what the file is called, for the error.
 * @throws EcomputeError `ECOMPUTE_CONFIG_INVALID` that names the first rule that cannot be read.
 */
export const parsePolicyFile = (text: string, source: string): Readonly<Record<string, string>> => {
  const rules: unknown = readYaml(text, source) ?? {};
  if (typeof rules !== 'object' || rules === null || Array.isArray(rules))
    throw invalid(`could not read ${source}: it is not a list of names with rules`);
  return Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, checkRule(name, rule, source)]));
};

const checkRule = (name: string, rule: unknown, source: string): string => {
  if (typeof rule !== 'string') throw invalid(`could not read ${source}: the rule of ${name} is not a text`);
  try {
    parseRule(rule);
  } catch (err) {
    throw invalid(`could not read ${source}: the rule of ${name} is wrong`, err);
  }
  return rule;
};

const readYaml = (text: string, source: string): unknown => {
  try {
    return parse(text);
  } catch (err) {
    throw invalid(`could not read ${source}`, err);
  }
};

const invalid = (message: string, cause?: unknown): EcomputeError =>
  new EcomputeError('ECOMPUTE_CONFIG_INVALID', message, { cause });
