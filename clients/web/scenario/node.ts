/** node dist/node.js grpc-js|connect-grpc|connect-grpc-web REGISTRY GATEWAY < steps.json: plays the steps; a line of JSON each. */
import { readFileSync } from "node:fs";

import type { DescService } from "@bufbuild/protobuf";
import { compressionGzip, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";

import { GatewayService } from "../gen/airegistry/v1/gateway_service_pb.js";
import { RegistryService } from "../gen/airegistry/v1/registry_service_pb.js";
import { connectCaller } from "./connect.js";
import { grpcJsCaller } from "./grpc_js.js";
import { play } from "./play.js";
import type { Caller, Step } from "./play.js";

const MAKERS: Readonly<Record<string, (service: DescService, address: string) => Caller>> = {
  "grpc-js": grpcJsCaller,
  "connect-grpc": (_, address) => {
    const baseUrl = `http://${address}`;
    return connectCaller(createGrpcTransport({ baseUrl }), createGrpcTransport({ baseUrl, sendCompression: compressionGzip }));
  },
  "connect-grpc-web": (_, address) => {
    const options = { baseUrl: `http://${address}`, httpVersion: "1.1" } as const;
    return connectCaller(createGrpcWebTransport(options), createGrpcWebTransport({ ...options, sendCompression: compressionGzip }));
  },
};

const [kind = "", registry = "", gateway = ""] = process.argv.slice(2);
const make = MAKERS[kind];
if (!make) throw new Error(`one of ${Object.keys(MAKERS).join(", ")}, not ${kind}`);
const callers = { registry: make(RegistryService, registry), gateway: make(GatewayService, gateway) };
const steps = JSON.parse(readFileSync(0, "utf8")) as Step[];
await play(steps, callers, (outcome) => process.stdout.write(`${JSON.stringify(outcome)}\n`));
// Connections that are kept open would keep Node running, once everything is written.
process.stdout.write("", () => process.exit());
