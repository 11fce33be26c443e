/** Makes the calls of a scenario, through generated code, and says what came of each. Tests compare that with what other languages say. */
import { anyPack, AnySchema } from "@bufbuild/protobuf/wkt";
import { create, createRegistry, fromJsonString, toJson } from "@bufbuild/protobuf";
import type { DescMethod, DescService, JsonValue, Message } from "@bufbuild/protobuf";
import { ConnectError } from "@connectrpc/connect";

import { GatewayService, file_airegistry_v1_gateway_service } from "../gen/airegistry/v1/gateway_service_pb.js";
import { RegistryService, WatchResponseSchema } from "../gen/airegistry/v1/registry_service_pb.js";
import { file_google_rpc_error_details } from "../gen/google/rpc/error_details_pb.js";

/** One call. */
export interface Step {
  readonly name: string;
  /** Service and method, without the package. */
  readonly call: string;
  /** As protobuf's JSON; `$token` stands for the last resume token that came. */
  readonly request: JsonValue;
  /** Values of keys that end in `-bin` are in base64. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Seconds. */
  readonly timeout?: number;
  readonly gzip?: boolean;
  /** Cancels the call after as many messages. */
  readonly take?: number;
  /** Made once the call's first message is there. */
  readonly then?: readonly Step[];
}

/** What came of a step. */
export interface Outcome {
  readonly name: string;
  code: number;
  message: string;
  details: JsonValue[];
  readonly messages: JsonValue[];
}

/** How a call is made, whatever library makes it. Errors are ConnectErrors. */
export interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number | undefined;
  readonly metadata: ReadonlyArray<readonly [string, string]>;
  readonly gzip: boolean;
}

export type Caller = (method: DescMethod, request: Message, options: CallOptions) => AsyncIterable<Message>;

/** Who calls each service. */
export interface Callers {
  readonly registry: Caller;
  readonly gateway: Caller;
}

const TYPES = createRegistry(file_airegistry_v1_gateway_service, file_google_rpc_error_details);

/** Makes one call after the other, and hands out what came of each. */
export async function play(steps: readonly Step[], callers: Callers, say: (outcome: Outcome) => void): Promise<void> {
  await new Player(callers, say).play(steps);
}

class Player {
  private token = "";

  constructor(
    private readonly callers: Callers,
    private readonly say: (outcome: Outcome) => void,
  ) {}

  async play(steps: readonly Step[]): Promise<void> {
    for (const step of steps) this.say(await this.make(step));
  }

  private async make(step: Step): Promise<Outcome> {
    const outcome: Outcome = { name: step.name, code: 0, message: "", details: [], messages: [] };
    const [method, caller] = this.callOf(step.call);
    const request = fromJsonString(method.input, JSON.stringify(step.request).replaceAll("$token", this.token));
    const leaving = new AbortController();
    const options = {
      signal: leaving.signal,
      timeoutMs: step.timeout === undefined ? undefined : step.timeout * 1000,
      metadata: Object.entries(step.metadata ?? {}),
      gzip: step.gzip ?? false,
    };
    try {
      for await (const message of caller(method, request, options)) {
        outcome.messages.push(toJson(method.output, message, { registry: TYPES }));
        if (message.$typeName === WatchResponseSchema.typeName) this.keepToken(message);
        if (outcome.messages.length === 1) await this.play(step.then ?? []);
        if (outcome.messages.length === step.take) leaving.abort();
      }
    } catch (thrown) {
      fail(outcome, ConnectError.from(thrown));
    }
    return outcome;
  }

  private callOf(name: string): [DescMethod, Caller] {
    const [service, caller]: [DescService, Caller] = name.startsWith("RegistryService.")
      ? [RegistryService, this.callers.registry]
      : [GatewayService, this.callers.gateway];
    const method = service.methods.find((one) => `${service.name}.${one.name}` === name);
    if (!method) throw new Error(`no such call: ${name}`);
    return [method, caller];
  }

  private keepToken(message: Message): void {
    this.token = (message as Message & { resumeToken: string }).resumeToken || this.token;
  }
}

function fail(outcome: Outcome, error: ConnectError): void {
  outcome.code = error.code;
  outcome.message = error.rawMessage;
  outcome.details = error.details.map((detail) => {
    const any =
      "type" in detail
        ? create(AnySchema, { typeUrl: `type.googleapis.com/${detail.type}`, value: detail.value })
        : anyPack(detail.desc, create(detail.desc, detail.value));
    return toJson(AnySchema, any, { registry: TYPES });
  });
}
