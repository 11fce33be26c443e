/** Shows the models of a registry as they change: `?registry=http://127.0.0.1:50051&prefix=models/llama&bookmarks=10`. */
import { Follower, ResourceKind, connectRegistry, failureFrom, follow, inWords } from "airegistry-web";
import type { Update } from "airegistry-web";

import { showFailure, showState, showUpdate } from "./view.js";

const asked = new URLSearchParams(location.search);
const registry = asked.get("registry") ?? "http://127.0.0.1:50051";

const follower = new Follower({
  filter: { kinds: [ResourceKind.MODEL, ResourceKind.ENDPOINT], namePrefix: asked.get("prefix") ?? "" },
  bookmarkInterval: Number(asked.get("bookmarks") ?? 10),
});
const leaving = new AbortController();
addEventListener("pagehide", () => leaving.abort());

const onlooker = {
  opening(resumes: boolean): void {
    showState("connecting", `${resumes ? "resuming at" : "connecting to"} ${registry}`);
  },
  ended(failure: Parameters<typeof inWords>[0] | undefined, delay: number): void {
    showState("waiting", `cut off; trying again in ${delay.toFixed(1)} s`);
    showFailure(failure ? inWords(failure) : "");
  },
};

function show(update: Update): void {
  showUpdate(update, follower.known);
  showState("live", `live at revision ${update.revision}, heard ${new Date().toLocaleTimeString("en")}`, update.revision);
  showFailure("");
}

try {
  for await (const update of follow(connectRegistry(registry), follower, { signal: leaving.signal, onlooker })) show(update);
} catch (thrown) {
  showState("failed", `${registry} refused`);
  showFailure(inWords(failureFrom(thrown)));
}
