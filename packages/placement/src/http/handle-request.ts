import type { FastifyReply, FastifyRequest } from 'fastify';
import { getProvider } from '../engine/providers/get-provider.js';
import type { PlacementStore } from '../store/placement-store.js';
import { chooseType } from './accept.js';
import { badRequest, HttpError } from './http-error.js';
import type { Policy } from './policy/policy.js';
import type { Resource } from './route-table.js';
import type { ApiReply, Route } from './route.js';
import { createValidator, type Validate } from './validation/validator.js';

interface HandlerDeps {
  readonly store: PlacementStore;
  readonly policy: Policy;
  readonly prefix: string;
}

type Handler = (resource: Resource, request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

const JSON_TYPE = 'application/json';

/** Lets a request through to its route, step by step; which step refuses it is a part of the API. */
export const createHandler = ({ store, policy, prefix }: HandlerDeps): Handler => {
  const validatorOf = createValidator();

  return async (resource, request, reply) => {
    const version = request.version ?? 0;
    const route = resource.find(request.method, version);
    if (typeof route === 'number')
      throw new HttpError(route, {
        detail: route === 405 ? 'The method specified is not allowed for this resource.' : '',
        headers: route === 405 ? { allow: resource.methods } : {},
      });
    checkTypes(route, request);
    const query = readQuery(request.url);
    checkMay(route, request, query);
    if (route.params) checkDocument(request.params, validatorOf(route.params));
    const body = route.body && (await readBodyFor(route, request, validatorOf(route.body(version))));
    if (route.query) checkQuery(query, validatorOf(route.query(version)));
    const answer = await route.handle({
      version,
      params: paramsOf(request),
      query,
      body,
      store,
      linkTo: (path) => prefix + path,
    });
    return send(answer, request, reply);
  };

  async function readBodyFor({ isOfProvider }: Route, request: FastifyRequest, validate: Validate): Promise<unknown> {
    try {
      return readBody(request.body, validate);
    } catch (err) {
      if (isOfProvider) await store.read((view) => getProvider(view, paramsOf(request)['uuid'] ?? ''));
      throw err;
    }
  }

  function checkMay({ rule, projectOf }: Route, { caller }: FastifyRequest, query: URLSearchParams): void {
    if (rule === undefined) return;
    const target = projectOf && { project_id: projectOf(query) };
    if (!caller || !policy.allows(rule, caller, target))
      throw new HttpError(403, { detail: `Policy does not allow ${rule} to be performed.` });
  }
};

const paramsOf = ({ params }: FastifyRequest): Readonly<Record<string, string>> =>
  // eslint-disable-next-line typescript/no-unsafe-type-assertion -- Fastify's router makes them so
  params as Readonly<Record<string, string>>;

const readQuery = (url: string): URLSearchParams => {
  const start = url.indexOf('?');
  // Of the `?` in front, URLSearchParams takes off one.
  return new URLSearchParams(start < 0 ? '' : url.slice(start));
};

const checkTypes = ({ method, rule, body }: Route, { headers }: FastifyRequest): void => {
  const [contentType = ''] = (headers['content-type'] ?? '').split(';');
  if (body && contentType.trim().toLowerCase() !== JSON_TYPE)
    throw new HttpError(415, {
      detail: `The media type ${contentType || 'None'} is not supported, use ${JSON_TYPE}`,
    });
  // The versions of the API are told to everybody, whatever they ask for.
  if (method === 'GET' && rule !== undefined && chooseType(headers.accept, [JSON_TYPE]) === undefined)
    throw new HttpError(406, { detail: `Only ${JSON_TYPE} is provided` });
};

const readBody = (text: unknown, validate: Validate): unknown => {
  const document = parse(typeof text === 'string' ? text : '');
  checkDocument(document, validate);
  return document;
};

const checkDocument = (document: unknown, validate: Validate): void => {
  const problem = validate(document);
  if (problem !== undefined) throw badRequest(`JSON does not validate: ${problem}`);
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (err) {
    throw new HttpError(400, { detail: `Malformed JSON: ${err instanceof Error ? err.message : ''}`, cause: err });
  }
};

const checkQuery = (query: URLSearchParams, validate: Validate): void => {
  const problem = validate(Object.fromEntries(query));
  if (problem !== undefined) throw badRequest(`Invalid query string parameters: ${problem}`);
};

const send = (answer: ApiReply, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
  reply.code(answer.status);
  if (answer.location !== undefined)
    reply.header('location', `${request.protocol}://${request.host}${answer.location}`);
  if (answer.lastModified !== undefined && (request.version ?? 0) >= 15)
    reply.headers({ 'last-modified': new Date(answer.lastModified).toUTCString(), 'cache-control': 'no-cache' });
  if (answer.body === undefined) return reply.send();
  // Of a text Fastify would tell the encoding too, which JSON does not have.
  return reply.header('content-type', JSON_TYPE).send(Buffer.from(JSON.stringify(answer.body)));
};
