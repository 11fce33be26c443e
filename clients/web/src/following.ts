/** Following a Watch over cuts, restarts and compactions. */
import { Code, ConnectError } from "@connectrpc/connect";
import type { Client } from "@connectrpc/connect";

import { Backoff } from "./backoff.js";
import { failureFrom } from "./failure.js";
import type { Failure } from "./failure.js";
import type { Follower, Update } from "./follower.js";
import type { RegistryService, WatchResponse } from "../gen/airegistry/v1/registry_service_pb.js";

/** After these, trying again is pointless unless somebody changes something. */
const FATAL: ReadonlySet<Code> = new Set([Code.InvalidArgument, Code.PermissionDenied, Code.Unauthenticated, Code.Unimplemented]);

/** The position is of another store, of a time before a restore, or too old. */
const OF_NO_USE: ReadonlySet<string> = new Set([
  "REVISION_COMPACTED",
  "FOREIGN_RESUME_TOKEN",
  "REVISION_IN_FUTURE",
  "INVALID_ARGUMENT",
]);

/** Who wants to know how the connection stands. `failure` is undefined where a stream ended by itself, as old ones do. */
export interface Onlooker {
  /** A stream is asked for: from the last position, or with a snapshot. */
  opening(resumes: boolean): void;
  /** A stream ended; another is asked for in `delay` seconds. */
  ended(failure: Failure | undefined, delay: number): void;
}

/**
 * The updates of one stream after another, until `signal` aborts. Nothing is lost or told twice over a cut.
 *
 * Throws the errors after which trying again is pointless.
 */
export async function* follow(
  client: Client<typeof RegistryService>,
  follower: Follower,
  { signal, onlooker, backoff = new Backoff() }: { signal: AbortSignal; onlooker: Onlooker; backoff?: Backoff },
): AsyncGenerator<Update> {
  while (!signal.aborted) {
    let failure: Failure | undefined;
    onlooker.opening(follower.resumes);
    try {
      for await (const response of attended(client, follower, signal)) {
        backoff.reset();
        const update = follower.take(response);
        if (update) yield update;
      }
    } catch (thrown) {
      if (signal.aborted) return;
      failure = failureFrom(thrown);
      if (follower.resumes && OF_NO_USE.has(failure.reason)) follower.startOver();
      else if (FATAL.has(failure.code)) throw thrown;
    }
    follower.cut();
    const delay = backoff.next(failure?.retryAfter);
    onlooker.ended(failure, delay);
    await pause(delay, signal);
  }
}

/** One stream; three bookmarks that do not come are taken for a broken connection. */
async function* attended(
  client: Client<typeof RegistryService>,
  follower: Follower,
  signal: AbortSignal,
): AsyncGenerator<WatchResponse> {
  const silence = 3 * follower.wanted.bookmarkInterval;
  const silent = new AbortController();
  const giveUp = () => silent.abort(new ConnectError(`the watch was silent for ${silence} s`, Code.Unavailable));
  let timer = setTimeout(giveUp, silence * 1000);
  try {
    for await (const response of client.watch(follower.request(), { signal: AbortSignal.any([signal, silent.signal]) })) {
      clearTimeout(timer);
      yield response;
      timer = setTimeout(giveUp, silence * 1000);
    }
  } catch (thrown) {
    throw silent.signal.aborted ? silent.signal.reason : thrown;
  } finally {
    clearTimeout(timer);
  }
}

function pause(seconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, seconds * 1000);
    signal.addEventListener("abort", done);
  });
}
