/** What the page shows: a row per model, the last changes, and how the connection stands. */
import { Health, WatchEventType } from "airegistry-web";
import type { Resource, Update, WatchEvent } from "airegistry-web";

/** How many changes are shown; older ones go. */
const MOST_CHANGES = 200;

const WORDS: Readonly<Record<number, string>> = {
  [WatchEventType.ADDED]: "added",
  [WatchEventType.UPDATED]: "updated",
  [WatchEventType.REMOVED]: "removed",
};

/** What is said of an endpoint's health; nothing of one that serves, or of which nothing is known. */
const HEALTH: Readonly<Record<number, string>> = {
  [Health.DEGRADED]: "degraded",
  [Health.NOT_SERVING]: "not serving",
  [Health.DRAINING]: "draining",
};

/** `live` once the set is known and a stream is open; `waiting` between two streams; `failed` is for good. */
export type State = "connecting" | "live" | "waiting" | "failed";

/** Shows how the connection stands, in words, and as `data-state` and `data-revision` for whoever reads the page. */
export function showState(state: State, words: string, revision?: bigint): void {
  const line = element("state");
  line.dataset["state"] = state;
  line.textContent = words;
  if (revision !== undefined) line.dataset["revision"] = String(revision);
}

/** Shows an error, or that there is none. */
export function showFailure(words: string): void {
  const line = element("failure");
  line.textContent = words;
  line.hidden = words === "";
}

/** Shows what an update did to the set `known`. */
export function showUpdate(update: Update, known: ReadonlyMap<string, Resource>): void {
  const touched = new Set(update.events.map((event) => modelOf(event.resource?.name ?? "")));
  const endpoints = endpointsByModel(known, touched);
  for (const name of touched) showModel(name, known.get(name), endpoints.get(name) ?? []);
  showChanges(update);
}

function showModel(name: string, resource: Resource | undefined, endpoints: readonly Resource[]): void {
  const { rows } = document.querySelector<HTMLTableSectionElement>("#models tbody")!;
  const place = placeOf(name, rows);
  const old = rows[place]?.id === name ? rows[place] : undefined;
  if (resource?.spec.case !== "model") return old?.remove();
  const { displayName, tasks, limits } = resource.spec.value;
  const row = document.createElement("tr");
  row.id = name;
  row.className = "changed";
  row.append(
    cell(`${displayName} `, quiet(name)),
    cell(tasks.join(", ")),
    // Unknown is not 0.
    number(limits?.contextTokens?.toLocaleString("en") ?? "?"),
    cell(endpoints.map(endpointInWords).join(", ")),
    cell(Object.entries(resource.labels).map(([key, value]) => `${key}=${value}`).join(", ")),
    number(String(resource.revision)),
  );
  if (old) old.replaceWith(row);
  else document.querySelector("#models tbody")!.insertBefore(row, rows[place] ?? null);
}

/** Where a model is, or belongs, among rows that are in the order of their names. */
function placeOf(name: string, rows: HTMLCollectionOf<HTMLTableRowElement>): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle]!.id < name) low = middle + 1;
    else high = middle;
  }
  return low;
}

function showChanges({ snapshot, revision, events }: Update): void {
  const lines = snapshot ? [`${revision}: everything, ${events.length} differ`] : events.map(changeInWords);
  const list = element("changes");
  for (const line of lines) {
    const item = document.createElement("li");
    item.textContent = line;
    list.prepend(item);
  }
  while (list.children.length > MOST_CHANGES) list.lastElementChild!.remove();
}

function changeInWords({ type, revision, resource }: WatchEvent): string {
  return `${revision}: ${resource?.name} ${WORDS[type] ?? "changed"}`;
}

function endpointInWords(resource: Resource): string {
  const provider = resource.spec.case === "endpoint" ? resource.spec.value.provider : "";
  const health = HEALTH[resource.status?.health ?? Health.UNSPECIFIED];
  return health ? `${provider} (${health})` : provider;
}

function endpointsByModel(known: ReadonlyMap<string, Resource>, models: ReadonlySet<string>): Map<string, Resource[]> {
  const found = new Map<string, Resource[]>();
  for (const resource of known.values()) {
    const model = modelOf(resource.name);
    if (resource.spec.case === "endpoint" && models.has(model)) found.set(model, [...(found.get(model) ?? []), resource]);
  }
  return found;
}

/** The model that a name is of: `models/{model}` of `models/{model}/endpoints/{endpoint}`. */
function modelOf(name: string): string {
  return name.split("/", 2).join("/");
}

function cell(...content: Array<string | Node>): HTMLTableCellElement {
  const made = document.createElement("td");
  made.append(...content);
  return made;
}

function number(text: string): HTMLTableCellElement {
  const made = cell(text);
  made.className = "number";
  return made;
}

function quiet(text: string): HTMLElement {
  const made = document.createElement("span");
  made.className = "quiet";
  made.textContent = text;
  return made;
}

function element(id: string): HTMLElement {
  return document.getElementById(id)!;
}
