/** A batch is what the module sees of one payload: cells by read, rows by level. */

import { decode } from "./utf8.js";

export class Context {
  constructor(packed) {
    this.now = packed.now;
    this.seed = packed.seed;
    this.cluster = packed.cluster ?? null;
    this.allMetadata = packed.metadata;
  }

  metadata(key) {
    return this.allMetadata.find(([name]) => name === key)?.[1] ?? null;
  }
}

export class Batch {
  constructor(packed) {
    this.packed = packed;
  }

  get signal() {
    return this.packed.signal;
  }

  *cells(read) {
    const columns = this.packed.columns.filter((column) => column.read === read);
    const at = columns.map(() => ({ next: 0, match: 0 }));
    for (;;) {
      // A read has one or two columns as a rule, so that looking at each is the fastest merge.
      let first = -1;
      for (let i = 0; i < columns.length; i++) {
        const row = columns[i].rows[at[i].next];
        if (row !== undefined && (first < 0 || row < columns[first].rows[at[first].next])) first = i;
      }
      if (first < 0) return;
      const { matches } = columns[first];
      const index = at[first].next++;
      const start = at[first].match;
      let end = start;
      while (end < matches.length && matches[end].index === index) end++;
      at[first].match = end;
      yield new Cell(this.packed, columns[first], index, matches.slice(start, end));
    }
  }

  count(level) {
    return this.#rows(level)?.count ?? 0;
  }

  ancestor(level, row, above) {
    while (level !== above) {
      const at = this.packed.levels.findIndex((rows) => rows.level === level);
      const parent = at < 1 ? undefined : this.packed.levels[at].parents[row];
      if (parent === undefined) return null;
      row = parent;
      // Events, links and exemplars lie side by side under their item.
      level = ["event", "link", "exemplar"].includes(level) ? "item" : this.packed.levels[at - 1].level;
    }
    return row;
  }

  #rows(level) {
    return this.packed.levels.find((rows) => rows.level === level);
  }
}

class Cell {
  #batch;
  #column;
  #index;

  constructor(batch, column, index, matches) {
    this.#batch = batch;
    this.#column = column;
    this.#index = index;
    this.matches = matches;
  }

  get id() {
    return this.#column.firstCell + this.#index;
  }

  get row() {
    return this.#column.rows[this.#index];
  }

  get key() {
    const number = this.#column.keys[this.#index];
    return number === undefined ? "" : decode(...part(this.#batch.dictionary, number));
  }

  get isKey() {
    return this.#column.part === "key";
  }

  get within() {
    const around = this.#column.within[this.#index];
    return around ? around - 1 : null;
  }

  get type() {
    return this.#column.values.tag;
  }

  get value() {
    const { tag, val } = this.#column.values;
    if (tag === "text") return this.text;
    return tag === "bytes" || tag === "encoded" ? this.contents : val[this.#index];
  }

  get text() {
    const { tag, val } = this.#column.values;
    return tag === "text" ? decode(...part(val, this.#index)) : null;
  }

  get contents() {
    const { tag, val } = this.#column.values;
    if (tag !== "text" && tag !== "bytes" && tag !== "encoded") return null;
    const [bytes, start, end] = part(val, this.#index);
    return bytes.subarray(start, end);
  }

  parts() {
    const parts = [];
    for (const { start, end } of this.matches) {
      const last = parts[parts.length - 1];
      if (last && start < last.end) last.end = Math.max(last.end, end);
      else parts.push({ start, end });
    }
    return parts;
  }
}

function part(packed, index) {
  return [packed.bytes, index > 0 ? packed.ends[index - 1] : 0, packed.ends[index]];
}
