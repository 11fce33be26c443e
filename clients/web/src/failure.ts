/** What a server meant by an error, out of the details of its status. */
import { Code, ConnectError } from "@connectrpc/connect";

import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.js";

/** An error as a caller can act on it. `reason` is empty where no server of ours answered. */
export interface Failure {
  readonly code: Code;
  readonly reason: string;
  readonly message: string;
  /** The paths of the fields that were bad, and what is wrong with them. */
  readonly fields: ReadonlyArray<{ readonly path: string; readonly description: string }>;
  /** Seconds after which another try may help; undefined where the server named none. */
  readonly retryAfter: number | undefined;
}

/** Reads whatever a call threw. */
export function failureFrom(thrown: unknown): Failure {
  const error = connectErrorFrom(thrown);
  const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
  return {
    code: error.code,
    reason: error.findDetails(ErrorInfoSchema)[0]?.reason ?? "",
    message: error.rawMessage,
    fields: error
      .findDetails(BadRequestSchema)
      .flatMap((bad) => bad.fieldViolations)
      .map(({ field, description }) => ({ path: field, description })),
    retryAfter: delay && Number(delay.seconds) + delay.nanos / 1e9,
  };
}

/** `fetch` says nothing but a TypeError of whatever comes between a page and its server; a browser hides the rest from pages. */
function connectErrorFrom(thrown: unknown): ConnectError {
  const error = ConnectError.from(thrown);
  if (error.code !== Code.Unknown || !(error.cause instanceof TypeError)) return error;
  const why = "the connection broke, nobody answers there, or not to pages from here (CORS)";
  return new ConnectError(`${why}: ${error.rawMessage}`, Code.Unavailable, undefined, undefined, error.cause);
}

/** One line for people. */
export function inWords(failure: Failure): string {
  const fields = failure.fields.map(({ path, description }) => ` [${path}: ${description}]`).join("");
  return `${failure.reason || Code[failure.code]}: ${failure.message}${fields}`;
}
