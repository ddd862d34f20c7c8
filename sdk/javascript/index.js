/** Write Tidegate processors in JavaScript; `index.d.ts` says what each thing is, and README.md begins with an example. */

export { Batch, Context } from "./src/batch.js";
export { Edits, Text, double, encoded } from "./src/edits.js";
export { ConfigError } from "./src/config.js";
export { count, log } from "./src/host.js";
export { exported } from "./src/exported.js";
export { Plan } from "./src/plan.js";
