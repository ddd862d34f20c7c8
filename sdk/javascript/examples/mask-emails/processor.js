// Masks e-mail addresses in all texts, says how many in an attribute, and drops what is marked to be dropped.

import { ConfigError, Plan, count, log } from "../../index.js";

// What stands in angle brackets overlaps with the address in it.
const EMAILS = ["[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\\.)+[A-Za-z]{2,}", "<[^<>@\\s]+@[^<>@\\s]+>"];
const CONTEXTS = { logs: "log", traces: "span", metrics: "datapoint" };
const AT = "@".charCodeAt(0);

/**
 * @import { Processor } from "../../index.js"
 * @implements {Processor<typeof MaskEmails.defaults>}
 */
export default class MaskEmails {
  static defaults = { mask: "[email]", keep_domain: false };

  configure(signal, config) {
    if (config.mask === "") throw new ConfigError("mask", "has to be a text of one character or more");
    this.config = config;
    const plan = new Plan();
    const masked = (path) => {
      plan.write(path);
      return plan.readMatching(path, EMAILS);
    };
    const context = CONTEXTS[signal];
    this.resources = masked("resource.attributes[**]");
    // The reads of texts, and the level of their rows.
    this.texts = [[masked(`${context}.attributes[**]`), "item"]];
    if (signal === "logs") this.texts.push([masked("log.body[**]"), "item"]);
    if (signal === "traces") this.texts.push([masked("spanevent.attributes[**]"), "event"]);
    this.drops = plan.readMatching(`${context}.attributes["drop"]`, ["^yes$"]);
    this.mark = plan.write(`${context}.attributes["masked"]`);
    plan.dropRows();
    log.info(`masks e-mail addresses with ${config.mask}`);
    return plan;
  }

  process(context, batch, edits) {
    const mask = edits.text(this.config.mask);
    const dropped = new Set();
    for (const cell of batch.cells(this.drops)) {
      dropped.add(cell.row);
      edits.dropRows("item", cell.row);
    }
    let total = 0;
    for (const cell of batch.cells(this.resources)) total += this.mask(edits, mask, cell);
    const counts = new Array(batch.count("item")).fill(0);
    for (const [read, level] of this.texts) {
      for (const cell of batch.cells(read)) {
        const item = batch.ancestor(level, cell.row, "item");
        // What is dropped must not be edited.
        if (!dropped.has(item)) counts[item] += this.mask(edits, mask, cell);
      }
    }
    counts.forEach((found, item) => {
      if (found > 0) edits.upsert(this.mark, item, found);
      total += found;
    });
    if (total > 0) count("masked", total);
    if (dropped.size > 0) log.info(`dropped ${dropped.size} items`);
  }

  /** Masks the addresses in a cell, and says how many. */
  mask(edits, mask, cell) {
    const parts = cell.parts();
    for (const { start, end } of parts) {
      const to = this.config.keep_domain ? cell.contents.indexOf(AT, start) : end;
      edits.splice(cell.id, { start, end: to }, mask);
    }
    return parts.length;
  }
}
