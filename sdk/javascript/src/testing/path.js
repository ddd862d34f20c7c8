/** A path in OTTL's syntax: context, field, keys, and how far it reaches; and the cells that it finds in a row. */

import { Cell, Slot } from "./cell.js";

const LEVELS = {
  resource: "origin", scope: "scope", metric: "metric", log: "item", span: "item", datapoint: "item",
  spanevent: "event", spanlink: "link", exemplar: "exemplar",
};
const each = (names, kind) => Object.fromEntries(names.split(" ").map((name) => [name, kind]));
const FIELDS = {
  ...each("name version severity_text event_name trace_state description unit status.message", "text"),
  ...each("time_unix_nano observed_time_unix_nano start_time_unix_nano end_time_unix_nano", "unsigned"),
  ...each("flags dropped_attributes_count count", "unsigned"),
  ...each("severity_number kind status.code aggregation_temporality", "signed"),
  body: "any",
  attributes: "attributes",
};

export class Path {
  constructor(source) {
    const match = /^(\w+)\.([\w.]+)((?:\[(?:"(?:[^"\\]|\\.)*"|\*\*?)\])*)$/.exec(source);
    if (!match || !(match[1] in LEVELS)) throw new Error(`${source}: is no path`);
    [this.source, this.context, this.field] = match;
    this.level = LEVELS[this.context];
    const indexes = [...match[3].matchAll(/\[("(?:[^"\\]|\\.)*"|\*\*?)\]/g)].map(([, index]) => index);
    this.reach = indexes.at(-1)?.startsWith("*") ? indexes.pop() : "";
    this.keys = indexes.map((index) => JSON.parse(index));
    this.isKeyed = this.keys.length > 0 || this.reach !== "";
    this.kind = FIELDS[this.field];
    this.name = this.field.split(".").at(-1).replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    if (!this.kind) throw new Error(`${source}: is of a field that this helper does not know: try it in a host`);
  }

  /** Whether an edit of a cell is within the path. */
  covers(cell) {
    const same = this.context === cell.path.context && this.field === cell.path.field;
    const begins = this.keys.every((key, at) => cell.keys[at] === key);
    return same && begins && (this.reach !== "*" || cell.keys.length === this.keys.length + 1);
  }

  *cells(row, at, form) {
    if (form !== "scalars" && form !== "printed") return;
    const slot = this.#root(row, false);
    if (slot) yield* this.#under(slot, this.keys, new Cell({ path: this, row, at, slot, form }));
  }

  /** Writes, or takes out where there is no value. */
  write(row, keys, value, mode) {
    const slot = this.#root(row, value !== null);
    if (!slot) return;
    if (keys.length === 0) {
      if (value === null) slot.remove();
      else if (mode === "upsert" || slot.isThere() === (mode === "update")) slot.put(value);
      return;
    }
    const entries = slot.entries();
    const at = entries.findIndex(({ key }) => key === keys[0]);
    if (value === null) {
      if (at >= 0) entries.splice(at, 1);
    } else if (at < 0 && mode !== "update") entries.push({ key: keys[0], value });
    else if (at >= 0 && mode !== "insert") entries[at].value = value;
  }

  #root(row, make) {
    const steps = this.field.split(".").slice(0, -1);
    if (this.context === "resource" || this.context === "scope") steps.unshift(this.context);
    let object = row.object;
    for (const step of steps) {
      if (object[step] === undefined) {
        if (!make) return null;
        object[step] = {};
      }
      object = object[step];
    }
    return make || this.name in object ? new Slot(object, this.name, this.kind) : null;
  }

  *#under(slot, keys, cell) {
    if (keys.length > 0 || this.reach === "*") {
      for (const [at, entry] of slot.entries().entries()) {
        if (keys.length > 0 && entry.key !== keys[0]) continue;
        const inner = cell.inside(at, entry, slot.entries());
        if (keys.length > 0) yield* this.#under(inner.slot, keys.slice(1), inner);
        else yield* inner.scalar();
      }
    } else if (this.reach === "**") yield* deep(slot, cell);
    else yield* cell.scalar();
  }
}

function* deep(slot, cell) {
  for (const [at, entry] of slot.entries().entries()) {
    const inner = cell.inside(at, entry, slot.entries());
    yield* inner.asKey(entry).scalar();
    yield* deep(inner.slot, inner);
  }
  for (const [at, item] of slot.items().entries()) {
    const inner = cell.inside(at, item, slot.items());
    yield* deep(inner.slot, inner);
  }
  yield* cell.scalar(true);
}
