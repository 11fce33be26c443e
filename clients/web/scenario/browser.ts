/** Plays a scenario in a page: `await playScenario(steps, registryUrl, gatewayUrl)` returns what came of each step. */
import { createGrpcWebTransport } from "@connectrpc/connect-web";

import { connectCaller } from "./connect.js";
import { play } from "./play.js";
import type { Outcome, Step } from "./play.js";

async function playScenario(steps: Step[], registry: string, gateway: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const at = (baseUrl: string) => connectCaller(createGrpcWebTransport({ baseUrl }));
  await play(steps, { registry: at(registry), gateway: at(gateway) }, (outcome) => outcomes.push(outcome));
  return outcomes;
}

Object.assign(globalThis, { playScenario });
