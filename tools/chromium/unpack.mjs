// Unpacks the browser out of its package, with the libraries that a bare machine lacks: node unpack.mjs INTO
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";

const into = resolve(process.argv[2]);
rmSync(into, { recursive: true, force: true });
mkdirSync(into, { recursive: true });
// The package unpacks into the temporary folder, and its libraries only where it believes to be on AWS Lambda.
process.env.TMPDIR = into;
process.env.AWS_EXECUTION_ENV = "AWS_Lambda_nodejs20.x";
const { default: chromium } = await import("@sparticuz/chromium");
console.log(await chromium.executablePath());
