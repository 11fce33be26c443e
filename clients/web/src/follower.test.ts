/** What a follower promises, message by message. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";

import { WatchEventType, WatchResponseKind, WatchResponseSchema } from "../gen/airegistry/v1/registry_service_pb.js";
import type { WatchResponse } from "../gen/airegistry/v1/registry_service_pb.js";
import { Follower } from "./follower.js";
import type { Update } from "./follower.js";

const { ADDED, UPDATED, REMOVED } = WatchEventType;
const { SNAPSHOT, SNAPSHOT_END, CHANGES, BOOKMARK, RESET } = WatchResponseKind;

type Told = readonly [type: WatchEventType, name: string, displayName?: string];

function message(kind: WatchResponseKind, revision: number, events: readonly Told[] = [], more: { fragment?: boolean } = {}): WatchResponse {
  return create(WatchResponseSchema, {
    kind,
    revision: BigInt(revision),
    resumeToken: kind === SNAPSHOT || kind === RESET || more.fragment ? "" : `at-${revision}`,
    events: events.map(([type, name, displayName = ""]) => ({
      type,
      revision: BigInt(revision),
      resource: { name, revision: BigInt(revision), spec: { case: "model" as const, value: { displayName } } },
    })),
    ...more,
  });
}

function inWords(update: Update | undefined): readonly string[] | undefined {
  return update?.events.map(({ type, resource }) => `${WatchEventType[type]} ${resource?.name}`);
}

function followerOf(...names: string[]): Follower {
  const follower = new Follower({ bookmarkInterval: 1.5 });
  follower.take(message(SNAPSHOT, 1, names.map((name) => [ADDED, name])));
  follower.take(message(SNAPSHOT_END, 1));
  return follower;
}

test("nothing is known before the snapshot is whole", () => {
  const follower = new Follower({ bookmarkInterval: 1.5 });
  assert.equal(follower.take(message(SNAPSHOT, 5, [[ADDED, "models/a"]])), undefined);
  assert.equal(follower.known.size, 0);
  assert.equal(follower.resumes, false);
  const update = follower.take(message(SNAPSHOT_END, 5, [[ADDED, "models/b"]]));
  assert.equal(update?.snapshot, true);
  assert.deepEqual([...follower.known.keys()], ["models/a", "models/b"]);
  assert.equal(follower.request().resumeToken, "at-5");
});

test("a request says what is wanted", () => {
  const follower = new Follower({ bookmarkInterval: 1.5, filter: { namePrefix: "models/x" } });
  const request = follower.request();
  assert.equal(request.filter?.namePrefix, "models/x");
  assert.deepEqual([request.bookmarkInterval?.seconds, request.bookmarkInterval?.nanos], [1n, 500_000_000]);
});

test("a revision in fragments is shown at its last one", () => {
  const follower = followerOf("models/a");
  assert.equal(follower.take(message(CHANGES, 2, [[ADDED, "models/b"]], { fragment: true })), undefined);
  assert.deepEqual([...follower.known.keys()], ["models/a"]);
  const update = follower.take(message(CHANGES, 2, [[REMOVED, "models/a"]]));
  assert.deepEqual(inWords(update), ["ADDED models/b", "REMOVED models/a"]);
  assert.deepEqual([...follower.known.keys()], ["models/b"]);
});

test("a cut loses the half, which comes again", () => {
  const follower = followerOf();
  follower.take(message(CHANGES, 2, [[ADDED, "models/a"]], { fragment: true }));
  follower.cut();
  assert.equal(follower.request().resumeToken, "at-1");
  follower.take(message(CHANGES, 2, [[ADDED, "models/a"]], { fragment: true }));
  assert.deepEqual(inWords(follower.take(message(CHANGES, 2, [[ADDED, "models/b"]]))), ["ADDED models/a", "ADDED models/b"]);
});

test("a bookmark moves the position and nothing else", () => {
  const follower = followerOf("models/a");
  assert.deepEqual(inWords(follower.take(message(BOOKMARK, 9))), []);
  assert.equal(follower.request().resumeToken, "at-9");
  assert.equal(follower.known.size, 1);
});

test("after a reset what is known stays until the snapshot is whole, and then only the difference is told", () => {
  const follower = followerOf("models/a", "models/b");
  follower.take(message(CHANGES, 2, [[UPDATED, "models/a", "half"]], { fragment: true }));
  assert.equal(follower.take(message(RESET, 1)), undefined);
  assert.equal(follower.take(message(SNAPSHOT, 1, [[ADDED, "models/b"]])), undefined);
  assert.deepEqual([...follower.known.keys()], ["models/a", "models/b"]);
  assert.equal(follower.request().resumeToken, "at-1", "a cut here goes on from where it was");
  const update = follower.take(message(SNAPSHOT_END, 1, [[ADDED, "models/c"]]));
  assert.deepEqual(inWords(update), ["REMOVED models/a", "ADDED models/c"]);
});

test("a snapshot tells what changed meanwhile", () => {
  const follower = followerOf("models/a");
  follower.startOver();
  assert.equal(follower.request().resumeToken, "");
  const update = follower.take(message(SNAPSHOT_END, 7, [[ADDED, "models/a", "other"]]));
  assert.deepEqual(inWords(update), ["UPDATED models/a"]);
});

test("what this version does not know is skipped, and the position moves on", () => {
  const follower = followerOf();
  const unknown = message(CHANGES, 2, [[ADDED, "things/a"], [99 as WatchEventType, "models/b"]]);
  unknown.events[0]!.resource!.spec = { case: undefined };
  assert.deepEqual(inWords(follower.take(unknown)), []);
  assert.equal(follower.known.size, 0);
  assert.equal(follower.take(message(99 as WatchResponseKind, 3)), undefined);
  assert.equal(follower.request().resumeToken, "at-2");
});
