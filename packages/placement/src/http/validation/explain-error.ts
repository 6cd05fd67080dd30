import type { ErrorObject } from 'ajv';
import { toPrettyPythonText, toPythonText } from '../python-text.js';

/**
 * What is wrong with a document, in the words of Python's jsonschema: clients of OpenStack Placement look for them. Of several errors it
 * tells the one nearest to the top of the document, and of those the one whose rule stands first in the schema.
 */
export const explainErrors = (errors: readonly ErrorObject[]): string => {
  const best = chooseError(errors);
  if (!best) return 'it is not valid';
  const meant = findMeant(best, errors);
  // What is wrong with an alternative is told with its place below it.
  const schemaPath = meant === best ? best.schemaPath.slice(1) : meant.schemaPath.slice(best.schemaPath.length);
  const instancePath = meant === best ? best.instancePath : meant.instancePath.slice(best.instancePath.length);
  return [
    describe(meant, errors),
    '',
    `Failed validating ${toPythonText(meant.keyword)} in schema${showPath(readPointer(schemaPath).slice(0, -1))}:`,
    `    ${toPrettyPythonText(meant.parentSchema)}`,
    '',
    `On instance${showPath(readPointer(instancePath))}:`,
    `    ${toPrettyPythonText(meant.data)}`,
  ].join('\n');
};

const chooseError = (errors: readonly ErrorObject[]): ErrorObject | undefined => {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf' || keyword === 'oneOf');
  return errors
    .filter((error) => !choices.some((choice) => isBelow(error, choice)))
    .toSorted((a, b) => depthOf(a) - depthOf(b) || rankOf(a) - rankOf(b))[0];
};

/** Of several alternatives, that one is meant that is of the document's type. */
const findMeant = (best: ErrorObject, errors: readonly ErrorObject[]): ErrorObject => {
  const [meant, ...others] = errors.filter((error) => isBelow(error, best) && error.keyword !== 'type');
  return meant && others.length === 0 ? meant : best;
};

const isBelow = (error: ErrorObject, choice: ErrorObject): boolean =>
  error.schemaPath.startsWith(`${choice.schemaPath}/`);

const depthOf = ({ instancePath }: ErrorObject): number => instancePath.split('/').length;

const rankOf = ({ keyword, parentSchema }: ErrorObject): number => Object.keys(parentSchema ?? {}).indexOf(keyword);

const describe = (error: ErrorObject, errors: readonly ErrorObject[]): string => {
  const value = toPythonText(error.data);
  const limit = toPythonText(error.schema);
  switch (error.keyword) {
    case 'type':
      return `${value} is not of type ${[error.schema].flat().map(toPythonText).join(', ')}`;
    case 'required':
      return `${toPythonText(error.params['missingProperty'])} is a required property`;
    case 'additionalProperties':
      return describeExtras(error, errors);
    case 'minimum':
      return `${value} is less than the minimum of ${limit}`;
    case 'exclusiveMinimum':
      return `${value} is less than or equal to the minimum of ${limit}`;
    case 'maximum':
      return `${value} is greater than the maximum of ${limit}`;
    case 'minLength':
    case 'minItems':
      return `${value} is too short`;
    case 'maxLength':
    case 'maxItems':
      return `${value} is too long`;
    case 'minProperties':
      return `${value} does not have enough properties`;
    case 'uniqueItems':
      return `${value} has non-unique elements`;
    case 'pattern':
      return `${value} does not match ${limit}`;
    case 'format':
      return `${value} is not a ${limit}`;
    case 'enum':
      return `${value} is not one of ${limit}`;
    case 'anyOf':
    case 'oneOf':
      return `${value} is not valid under any of the given schemas`;
    default:
      return `${value} ${error.message ?? 'is not valid'}`;
  }
};

/** All of an object that are too many stand in one sentence. */
const describeExtras = (error: ErrorObject, errors: readonly ErrorObject[]): string => {
  const names = errors
    .filter(({ schemaPath, instancePath }) => schemaPath === error.schemaPath && instancePath === error.instancePath)
    .map(({ params }) => String(params['additionalProperty']))
    .toSorted();
  const list = names.map(toPythonText).join(', ');
  const patterns: unknown = error.parentSchema?.['patternProperties'];
  if (typeof patterns === 'object' && patterns !== null) {
    const regexes = Object.keys(patterns).toSorted().map(toPythonText).join(', ');
    return `${list} ${names.length === 1 ? 'does' : 'do'} not match any of the regexes: ${regexes}`;
  }
  return `Additional properties are not allowed (${list} ${names.length === 1 ? 'was' : 'were'} unexpected)`;
};

/** https://www.rfc-editor.org/rfc/rfc6901 */
const readPointer = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~'));

const showPath = (parts: readonly string[]): string => parts.map((part) => `[${showPart(part)}]`).join('');

const showPart = (part: string): string => (/^\d+$/.test(part) ? part : toPythonText(part));
