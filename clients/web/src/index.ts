/** AI Registry from a browser: clients over gRPC-Web, and following a Watch. */
import { createClient } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { RegistryService } from "../gen/airegistry/v1/registry_service_pb.js";

export { Backoff } from "./backoff.js";
export { failureFrom, inWords } from "./failure.js";
export type { Failure } from "./failure.js";
export { Follower } from "./follower.js";
export type { Update, Wanted } from "./follower.js";
export { follow } from "./following.js";
export type { Onlooker } from "./following.js";
export { WatchEventType } from "../gen/airegistry/v1/registry_service_pb.js";
export type { WatchEvent } from "../gen/airegistry/v1/registry_service_pb.js";
export { Health, ResourceKind } from "../gen/airegistry/v1/resource_pb.js";
export type { Resource } from "../gen/airegistry/v1/resource_pb.js";

/** A client of the registry at `baseUrl` (`https://registry.example.com`), which must carry gRPC-Web. */
export function connectRegistry(baseUrl: string): Client<typeof RegistryService> {
  return createClient(RegistryService, createGrpcWebTransport({ baseUrl }));
}
