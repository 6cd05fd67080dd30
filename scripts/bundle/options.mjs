/** What the bundles of eschedule and ecompute have in common. */
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const requireOfCommon = createRequire(new URL('../../packages/common/package.json', import.meta.url));
const etcd3 = requireOfCommon.resolve('etcd3');
const requireOfProtoLoader = createRequire(createRequire(etcd3).resolve('@grpc/proto-loader'));

/** Writes etcd's .proto files down as JSON. */
const writeDefinitions = async (file) => {
  const proto = new (requireOfProtoLoader('protobufjs').Root)();
  proto.loadSync(path.join(path.dirname(etcd3), '..', 'proto', 'rpc.proto'), { keepCase: true });
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(proto.toJSON()));
};

/** @param folder for what is made on the way. */
export const bundleOptions = async (folder) => {
  const definitions = path.join(folder, 'etcd-definitions.json');
  await writeDefinitions(definitions);
  return {
    bundle: true,
    platform: 'node',
    target: 'node20',
    // Not the identifiers: an error is told by the name of its class.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'linked',
    alias: {
      '@grpc/proto-loader': fileURLToPath(new URL('proto-loader.mjs', import.meta.url)),
      'protobufjs/light': requireOfProtoLoader.resolve('protobufjs/light'),
      'etcd-definitions': definitions,
    },
  };
};
