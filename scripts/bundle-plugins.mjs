/**
 * What the bundles of eschedule and ecompute leave out of the libraries they use: what takes time or memory at each start, and is never
 * used. A library that is not as it was stops the build.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const requireOfCommon = createRequire(new URL('../packages/common/package.json', import.meta.url));
const requireOfEtcd = createRequire(requireOfCommon.resolve('etcd3'));
const protoLoader = requireOfEtcd.resolve('@grpc/proto-loader');
const { Root } = createRequire(protoLoader)('protobufjs');

/** Replaces parts of a library's source; one that is not as it was stops the build. */
const replaceAll = (source, replacements) => {
  let text = source;
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`a library has changed, see bundle.mjs: there is no more ${from}`);
    text = text.replace(from, () => to);
  }
  return text;
};

/** What `store.ts` and `store-auth.ts` use of etcd. The rest of its interface would be compiled at each start, for nothing. */
const SERVICES = {
  KV: ['Range', 'Txn'],
  Watch: ['Watch'],
  Lease: undefined,
  Auth: [
    'Authenticate',
    'UserAdd',
    'UserGet',
    'UserList',
    'UserGrantRole',
    'RoleAdd',
    'RoleGet',
    'RoleList',
    'RoleGrantPermission',
    'RoleRevokePermission',
  ],
};

/** The names of the types that a type's fields are of, also of those nested in it. */
const typesIn = ({ fields = {}, nested = {} }) => [
  ...Object.values(fields).map(({ type }) => type),
  ...Object.values(nested).flatMap(typesIn),
];

/** etcd's interface as JSON, with only those services and the messages that they need. */
const readProto = () => {
  const proto = new Root();
  proto.loadSync(path.join(path.dirname(requireOfCommon.resolve('etcd3')), '..', 'proto', 'rpc.proto'), {
    keepCase: true,
  });
  const { authpb, etcdserverpb, mvccpb } = proto.toJSON().nested;
  const kept = {};
  const keep = (name) => {
    const simpleName = name.replace(/^\.?(etcdserverpb\.)?/, '').split('.')[0];
    const type = etcdserverpb.nested[simpleName];
    if (!type || kept[simpleName]) return;
    kept[simpleName] = type;
    for (const inner of typesIn(type)) keep(inner);
  };
  for (const [service, methodNames] of Object.entries(SERVICES)) {
    const all = Object.entries(etcdserverpb.nested[service].methods);
    const methods = all.filter(([name]) => methodNames?.includes(name) ?? true);
    kept[service] = {
      methods: Object.fromEntries(
        methods.map(([name, { requestType, requestStream, responseType, responseStream }]) => [
          name,
          { requestType, requestStream, responseType, responseStream },
        ]),
      ),
    };
    for (const [, { requestType, responseType }] of methods) [requestType, responseType].forEach(keep);
  }
  return { nested: { etcdserverpb: { nested: kept }, authpb, mvccpb } };
};

/**
 * etcd3 has its .proto files parsed and described in full at each start. In the bundle it gets them parsed, and of their
 * description just what a gRPC client calls. (grpc-js takes a service as methods with a path, and a pair of functions for each of
 * the two messages; these do the same as @grpc/proto-loader's.)
 */
const DESCRIBE_SERVICES = `
const { Root } = require('protobufjs/light');
exports.describeServices = (json, options) => {
  const { nested } = Root.fromJSON(json).resolveAll().lookup('etcdserverpb');
  const serializer = (type) => (value) => type.encode(type.fromObject(value)).finish();
  const deserializer = (type) => (bytes) => type.toObject(type.decode(bytes), options);
  const describe = (service, { name, requestStream, responseStream, resolvedRequestType, resolvedResponseType }) => ({
    path: '/etcdserverpb.' + service + '/' + name,
    requestStream: !!requestStream,
    responseStream: !!responseStream,
    requestSerialize: serializer(resolvedRequestType),
    requestDeserialize: deserializer(resolvedRequestType),
    responseSerialize: serializer(resolvedResponseType),
    responseDeserialize: deserializer(resolvedResponseType),
    originalName: name[0].toLowerCase() + name.slice(1),
  });
  const services = Object.entries(nested).filter(([, { methods }]) => methods);
  return Object.fromEntries(
    services.map(([service, { methodsArray }]) => [
      'etcdserverpb.' + service,
      Object.fromEntries(methodsArray.map((method) => [method.name, describe(service, method)])),
    ]),
  );
};
`;

export const parsedProto = {
  name: 'parsed-proto',
  setup: ({ onLoad, onResolve }) => {
    onResolve({ filter: /^describe-services$/ }, ({ path }) => ({ path, namespace: 'made-here' }));
    onLoad({ filter: /^describe-services$/, namespace: 'made-here' }, () => ({
      contents: DESCRIBE_SERVICES,
      resolveDir: path.dirname(protoLoader),
    }));
    onLoad({ filter: /etcd3\/lib\/connection-pool\.js$/ }, async ({ path: file }) => {
      const contents = replaceAll(await readFile(file, 'utf8'), [
        [
          'const proto_loader_1 = require("@grpc/proto-loader");',
          'const { describeServices } = require("describe-services");',
        ],
        [
          '(0, proto_loader_1.loadSync)(`${__dirname}/../proto/rpc.proto`,',
          `describeServices(${JSON.stringify(readProto())},`,
        ],
      ]);
      return { contents };
    });
  },
};

/** zod brings the messages of some fifty languages; ours are in English. */
export const englishOnly = {
  name: 'english-only',
  setup: ({ onLoad }) => {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: path.dirname(requireOfCommon.resolve('zod/v4/locales')),
    }));
  },
};

/** Of every bundle. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  // Not the identifiers: an error is told by the name of its class.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
};

/** Node's own fetch, which axios looks for when it is loaded, and which Node loads when it is so much as looked at. */
export const axiosWithoutFetch = {
  name: 'axios-without-fetch',
  setup: ({ onLoad }) => {
    onLoad({ filter: /axios\/lib\/adapters\/fetch\.js$/ }, () => ({
      contents: 'export const getFetch = () => undefined;',
    }));
    onLoad({ filter: /axios\/lib\/utils\.js$/ }, async ({ path: file }) => ({
      contents: replaceAll(await readFile(file, 'utf8'), [
        ["typeof G.FormData !== 'undefined' ? G.FormData : undefined", 'undefined'],
      ]),
    }));
  },
};
