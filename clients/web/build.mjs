// Bundles what runs in a browser and in Node: node build.mjs INTO
import { build } from "esbuild";
import { cpSync } from "node:fs";
import { join, resolve } from "node:path";

const here = import.meta.dirname;
const into = resolve(process.argv[2]);
const page = resolve(here, "../../examples/watch_page");
const common = {
  bundle: true,
  format: "esm",
  target: "es2022",
  sourcemap: true,
  tsconfig: join(here, "tsconfig.json"),
  logLevel: "warning",
};

await build({ ...common, entryPoints: [join(page, "page.ts")], outdir: join(into, "watch_page"), minify: true });
for (const file of ["index.html", "style.css"]) cpSync(join(page, file), join(into, "watch_page", file));
const scenario = join(here, "scenario");
await build({ ...common, entryPoints: [join(scenario, "browser.ts")], outdir: join(into, "scenario") });
cpSync(join(scenario, "index.html"), join(into, "scenario/index.html"));
// Node finds the packages from here.
const node = { platform: "node", packages: "external", outdir: join(here, "dist") };
const entryPoints = [join(scenario, "node.ts"), join(here, "src/follower.test.ts")];
await build({ ...common, ...node, entryPoints, entryNames: "[name]" });
