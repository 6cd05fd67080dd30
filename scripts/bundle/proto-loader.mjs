/**
 * Takes the place of @grpc/proto-loader in the bundles. etcd3 gives that the .proto files of etcd at each start, to be parsed and described
 * in full: 60 ms. This one has them parsed already, and describes just what a gRPC client calls.
 */
import protobuf from 'protobufjs/light';
import definitions from 'etcd-definitions';

/** @grpc/proto-loader's names, from etcd's own: a method as grpc-js takes it, with a pair of functions for each of its two messages. */
const describeMethod = (service, method, options) => {
  const { name, requestStream, responseStream, resolvedRequestType, resolvedResponseType } = method;
  const serializer = (type) => (value) => type.encode(type.fromObject(value)).finish();
  const deserializer = (type) => (bytes) => type.toObject(type.decode(bytes), options);
  return {
    path: `/etcdserverpb.${service}/${name}`,
    requestStream: Boolean(requestStream),
    responseStream: Boolean(responseStream),
    requestSerialize: serializer(resolvedRequestType),
    requestDeserialize: deserializer(resolvedRequestType),
    responseSerialize: serializer(resolvedResponseType),
    responseDeserialize: deserializer(resolvedResponseType),
    originalName: name[0].toLowerCase() + name.slice(1),
  };
};

/** As in @grpc/proto-loader; the file is always etcd's. */
export const loadSync = (_file, options) => {
  const { nested } = protobuf.Root.fromJSON(definitions).resolveAll().lookup('etcdserverpb');
  const services = Object.entries(nested).filter(([, { methods }]) => methods);
  return Object.fromEntries(
    services.map(([service, { methodsArray }]) => [
      `etcdserverpb.${service}`,
      Object.fromEntries(methodsArray.map((method) => [method.name, describeMethod(service, method, options)])),
    ]),
  );
};
