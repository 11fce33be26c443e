/** Where a watcher stands: messages of one stream after another in, whole updates out. No I/O. */
import { create, equals } from "@bufbuild/protobuf";
import type { MessageInitShape } from "@bufbuild/protobuf";

import { WatchEventSchema, WatchEventType, WatchRequestSchema, WatchResponseKind } from "../gen/airegistry/v1/registry_service_pb.js";
import type { WatchEvent, WatchFilterSchema, WatchRequest, WatchResponse } from "../gen/airegistry/v1/registry_service_pb.js";
import { ResourceSchema } from "../gen/airegistry/v1/resource_pb.js";
import type { Resource } from "../gen/airegistry/v1/resource_pb.js";

/** One step of a Watch, whole revisions only; without events only the position moved. */
export interface Update {
  readonly revision: bigint;
  /** What happened up to `revision`; of a snapshot what it changed. */
  readonly events: readonly WatchEvent[];
  /** The set is known as a whole now: at the start, and after a resync or a reset. */
  readonly snapshot: boolean;
}

/** What to watch, and how often to hear of it when nothing happens, in seconds. */
export interface Wanted {
  readonly filter?: MessageInitShape<typeof WatchFilterSchema>;
  readonly bookmarkInterval: number;
}

/** The set as one watcher knows it. What is incomplete is kept aside, so a cut loses nothing but the half. */
export class Follower {
  private members = new Map<string, Resource>();
  private token = "";
  private aside = new Map<string, Resource>();
  private parts: WatchEvent[] = [];

  constructor(readonly wanted: Wanted) {}

  /** By name, as of the last update. */
  get known(): ReadonlyMap<string, Resource> {
    return this.members;
  }

  /** Whether the next request goes on from a position. */
  get resumes(): boolean {
    return this.token !== "";
  }

  /** What to ask for next, after everything that was taken. */
  request(): WatchRequest {
    const { filter, bookmarkInterval } = this.wanted;
    const seconds = Math.floor(bookmarkInterval);
    const nanos = Math.round((bookmarkInterval - seconds) * 1e9);
    return create(WatchRequestSchema, {
      ...(filter && { filter }),
      resumeToken: this.token,
      bookmarkInterval: { seconds: BigInt(seconds), nanos },
    });
  }

  /** Notes that the stream ended or begins anew: the half of what it was sending comes again. */
  cut(): void {
    this.aside = new Map();
    this.parts = [];
  }

  /** Notes that the position is of no use: the next request asks for a snapshot. */
  startOver(): void {
    this.cut();
    this.token = "";
  }

  /** What a message completes; undefined where it completes nothing. */
  take(response: WatchResponse): Update | undefined {
    switch (response.kind) {
      case WatchResponseKind.SNAPSHOT:
        this.setAside(response);
        return undefined;
      case WatchResponseKind.SNAPSHOT_END:
        this.setAside(response);
        return this.completeSnapshot(response);
      case WatchResponseKind.CHANGES:
        this.parts.push(...response.events);
        return response.fragment ? undefined : this.completeChanges(response);
      case WatchResponseKind.BOOKMARK:
        return this.moved(response, []);
      case WatchResponseKind.RESET:
        // What is known stays, and the position with it, until the snapshot that follows is complete.
        this.cut();
        return undefined;
      default:
        // A kind of message that this version does not know.
        return undefined;
    }
  }

  private setAside({ events }: WatchResponse): void {
    for (const { resource } of events.filter(understood)) {
      if (resource) this.aside.set(resource.name, resource);
    }
  }

  private completeSnapshot(response: WatchResponse): Update {
    const events = difference(this.members, this.aside, response.revision);
    this.members = this.aside;
    this.aside = new Map();
    return { ...this.moved(response, events), snapshot: true };
  }

  private completeChanges(response: WatchResponse): Update {
    const events = this.parts.filter(understood);
    this.parts = [];
    for (const { type, resource } of events) {
      if (!resource) continue;
      if (type === WatchEventType.REMOVED) this.members.delete(resource.name);
      else this.members.set(resource.name, resource);
    }
    return this.moved(response, events);
  }

  private moved({ revision, resumeToken }: WatchResponse, events: readonly WatchEvent[]): Update {
    this.token = resumeToken;
    return { revision, events, snapshot: false };
  }
}

/** Whether this version knows what happened, and to what kind of resource; the rest is skipped, as `resource.proto` asks. */
function understood({ type, resource }: WatchEvent): boolean {
  if (!resource || !(type in WatchEventType) || type === WatchEventType.UNSPECIFIED) return false;
  return type === WatchEventType.REMOVED || resource.spec.case !== undefined;
}

/** What turns one set into another; what is gone is dated `revision`. */
function difference(old: ReadonlyMap<string, Resource>, fresh: ReadonlyMap<string, Resource>, revision: bigint): WatchEvent[] {
  const events: WatchEvent[] = [];
  for (const [name, resource] of old) {
    if (!fresh.has(name)) events.push(create(WatchEventSchema, { type: WatchEventType.REMOVED, revision, resource }));
  }
  for (const [name, resource] of fresh) {
    const before = old.get(name);
    if (before && equals(ResourceSchema, before, resource)) continue;
    const type = before ? WatchEventType.UPDATED : WatchEventType.ADDED;
    events.push(create(WatchEventSchema, { type, revision: resource.revision, resource }));
  }
  return events;
}
