/**
 * Makes dist/bundle/eschedule.cjs (all of eschedule in one file) and beside it what V8 has compiled of it; bin/eschedule.cjs
 * says what for. Run after the compiler.
 *
 * The code cache is taken at the end of a real run, a boot against ports where nothing listens, so that it holds the functions
 * that a boot uses and not only those that V8 compiles before anything runs.
 */
import { spawnSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = path.dirname(fileURLToPath(import.meta.url));
const folder = path.join(root, 'dist', 'bundle');
const bundle = path.join(folder, 'eschedule.cjs');

const requireOfCommon = createRequire(path.join(root, '..', 'common', 'package.json'));
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

/** What `store.ts` uses of etcd. The rest of its interface would be compiled at each start, for nothing. */
const SERVICES = { KV: ['Range', 'Txn'], Watch: ['Watch'], Lease: undefined, Auth: ['Authenticate'] };

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
  const { etcdserverpb, mvccpb } = proto.toJSON().nested;
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
  return { nested: { etcdserverpb: { nested: kept }, mvccpb } };
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

const parsedProto = {
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
const englishOnly = {
  name: 'english-only',
  setup: ({ onLoad }) => {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
      resolveDir: path.dirname(createRequire(path.join(root, 'package.json')).resolve('zod/v4/locales')),
    }));
  },
};

/**
 * What axios loads and a request to Placement never uses: forms, redirects, proxies, and Node's fetch, which is loaded when it is so much
 * as looked at.
 */
const UNUSED_BY_PLACEMENT = {
  'form-data': 'module.exports = class FormData {};',
  'https-proxy-agent': 'module.exports = class HttpsProxyAgent {};',
  'follow-redirects': "module.exports = { http: require('node:http'), https: require('node:https') };",
};

const leanAxios = {
  name: 'lean-axios',
  setup: ({ onLoad, onResolve }) => {
    const filter = new RegExp(`^(${Object.keys(UNUSED_BY_PLACEMENT).join('|')})$`);
    onResolve({ filter }, ({ path }) => ({ path, namespace: 'left-out' }));
    onLoad({ filter, namespace: 'left-out' }, ({ path }) => ({ contents: UNUSED_BY_PLACEMENT[path] }));
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

const makeBundle = async () => {
  await build({
    entryPoints: [path.join(root, 'dist', 'bin', 'eschedule.js')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    // Not the identifiers: an error of etcd is told by the name of its class.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    define: { 'import.meta.url': 'bundleUrl' },
    banner: { js: 'const bundleUrl = require("node:url").pathToFileURL(__filename).href;' },
    plugins: [englishOnly, parsedProto, leanAxios],
  });
};

/** Runs in a process of its own, which eschedule ends when it is through. */
const RECORDER = `
const { readFileSync, writeFileSync } = require('node:fs');
const Module = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');
const [bundle, target, ...argv] = process.argv.slice(1);
const script = new Script(Module.wrap(readFileSync(bundle, 'utf8')), { filename: bundle });
process.argv = [process.execPath, bundle, ...argv];
process.on('exit', () => writeFileSync(target, script.createCachedData()));
const module_ = new Module(bundle);
script.runInThisContext().call(module_.exports, module_.exports, Module.createRequire(bundle), module_, bundle, dirname(bundle));
`;

const recordCodeCache = async () => {
  const temp = await mkdtemp(path.join(tmpdir(), 'eschedule-bundle-'));
  try {
    const config = path.join(temp, 'schedule.yaml');
    const target = path.join(temp, 'cache');
    await writeFile(config, 'etcd: {host: 127.0.0.1, port: 1}\nplacement: {endpoint: "http://127.0.0.1:1"}\n');
    const argv = ['boot', '--no-wait', '--config', config];
    const { status, stderr } = spawnSync(process.execPath, ['-e', RECORDER, bundle, target, ...argv], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    // Nothing listens there, and it must say so.
    if (status !== 1 || !stderr.startsWith('eschedule: could not '))
      throw new Error(`the bundle does not run: ${stderr}`);
    await copyFile(target, `${bundle}.cache.new`);
    await rename(`${bundle}.cache.new`, `${bundle}.cache`);
  } finally {
    await rm(temp, { recursive: true, force: true });
  }
};

await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
await makeBundle();
await recordCodeCache();
