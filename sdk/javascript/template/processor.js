// Masks what a pattern finds in the bodies of log records.

import { ConfigError, Plan, count } from "./sdk/index.js";

/**
 * @import { Processor } from "./sdk/index.js"
 * @implements {Processor<typeof Masks.defaults>}
 */
export default class Masks {
  // What the operator may write under `config`.
  static defaults = { pattern: "", mask: "***" };

  configure(signal, config) {
    if (config.pattern === "") throw new ConfigError("pattern", "has to be a regular expression");
    this.mask = config.mask;
    const plan = new Plan();
    if (signal === "logs") {
      this.body = plan.readMatching("log.body", [{ source: config.pattern, name: "pattern" }]);
      plan.write("log.body");
    }
    return plan;
  }

  process(context, batch, edits) {
    if (batch.signal !== "logs") return;
    const mask = edits.text(this.mask);
    let masked = 0;
    for (const cell of batch.cells(this.body)) {
      for (const part of cell.parts()) {
        edits.splice(cell.id, part, mask);
        masked++;
      }
    }
    count("masked", masked);
  }
}
