/** Calls by Connect, over whatever transport it is given. */
import type { DescMethod, DescService, Message } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import type { Transport } from "@connectrpc/connect";

import type { CallOptions, Caller } from "./play.js";

/** A generated client's methods, as all of them are. */
type Rpc = (request: Message, options: object) => Promise<Message> & AsyncIterable<Message>;

/** Calls by `plain`, and by `gzip` where a request is to be compressed. */
export function connectCaller(plain: Transport, gzip: Transport = plain): Caller {
  return async function* (method: DescMethod, request: Message, options: CallOptions) {
    const client: Record<string, unknown> = createClient(method.parent as DescService, options.gzip ? gzip : plain);
    const answer = (client[method.localName] as Rpc)(request, {
      signal: options.signal,
      timeoutMs: options.timeoutMs,
      // The values of keys that end in `-bin` travel in base64 anyway.
      headers: new Headers(options.metadata.map(([key, value]): [string, string] => [key, value])),
    });
    if (method.methodKind === "unary") yield await answer;
    else yield* answer;
  };
}
