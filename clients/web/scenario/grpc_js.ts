/** Calls by @grpc/grpc-js: a service's descriptor has all that its definitions need. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";
import { Metadata, compressionAlgorithms, credentials, makeGenericClientConstructor } from "@grpc/grpc-js";
import type { CallOptions as GrpcOptions, Client, ClientReadableStream, ClientUnaryCall, ServiceDefinition, ServiceError } from "@grpc/grpc-js";

import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import type { CallOptions, Caller } from "./play.js";

type Unary = (request: Message, metadata: Metadata, options: GrpcOptions, done: (error: ServiceError | null, answer: Message) => void) => ClientUnaryCall;
type Streaming = (request: Message, metadata: Metadata, options: GrpcOptions) => ClientReadableStream<Message>;

/** Calls `service` at an address, on one connection for plain requests and one for compressed ones. */
export function grpcJsCaller(service: DescService, address: string): Caller {
  const Made = makeGenericClientConstructor(definitionOf(service), service.name);
  const plain = new Made(address, credentials.createInsecure());
  const gzip = new Made(address, credentials.createInsecure(), {
    "grpc.default_compression_algorithm": compressionAlgorithms.gzip,
  });
  return (method, request, options) => answersOf(options.gzip ? gzip : plain, method, request, options);
}

function definitionOf(service: DescService): ServiceDefinition {
  const pairs = service.methods.map((method) => [
    method.localName,
    {
      path: `/${service.typeName}/${method.name}`,
      requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
      responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
      requestSerialize: (message: Message) => Buffer.from(toBinary(method.input, message)),
      requestDeserialize: (data: Buffer) => fromBinary(method.input, data),
      responseSerialize: (message: Message) => Buffer.from(toBinary(method.output, message)),
      responseDeserialize: (data: Buffer) => fromBinary(method.output, data),
    },
  ]);
  return Object.fromEntries(pairs) as ServiceDefinition;
}

async function* answersOf(client: Client, method: DescMethod, request: Message, options: CallOptions): AsyncGenerator<Message> {
  const rpc = (client as unknown as Record<string, Function>)[method.localName]!.bind(client);
  const deadline = options.timeoutMs === undefined ? {} : { deadline: Date.now() + options.timeoutMs };
  try {
    if (method.methodKind === "unary") yield await unary(rpc as Unary, request, metadataOf(options), deadline, options.signal);
    else yield* streaming(rpc as Streaming, request, metadataOf(options), deadline, options.signal);
  } catch (thrown) {
    throw connectErrorFrom(thrown as ServiceError);
  }
}

function unary(rpc: Unary, request: Message, metadata: Metadata, deadline: GrpcOptions, signal: AbortSignal): Promise<Message> {
  return new Promise((resolve, reject) => {
    const call = rpc(request, metadata, deadline, (error, answer) => (error ? reject(error) : resolve(answer)));
    signal.addEventListener("abort", () => call.cancel());
  });
}

async function* streaming(rpc: Streaming, request: Message, metadata: Metadata, deadline: GrpcOptions, signal: AbortSignal): AsyncGenerator<Message> {
  const call = rpc(request, metadata, deadline);
  signal.addEventListener("abort", () => call.cancel());
  yield* call as AsyncIterable<Message>;
}

function metadataOf(options: CallOptions): Metadata {
  const metadata = new Metadata();
  for (const [key, value] of options.metadata) {
    if (key.endsWith("-bin")) metadata.add(key, Buffer.from(value, "base64"));
    else metadata.add(key, value);
  }
  return metadata;
}

/** The same error as Connect gives it, with what the status has as details. */
function connectErrorFrom(error: ServiceError): ConnectError {
  const [status] = error.metadata.get("grpc-status-details-bin");
  const made = new ConnectError(error.details, error.code as number);
  if (status instanceof Uint8Array) {
    made.details = fromBinary(StatusSchema, status).details.map(({ typeUrl, value }) => ({
      type: typeUrl.slice(typeUrl.lastIndexOf("/") + 1),
      value,
    }));
  }
  return made;
}
