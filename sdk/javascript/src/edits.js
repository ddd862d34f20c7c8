/** Edits are what a processor answers: collected here, checked and applied by the host. */

import { encode } from "./utf8.js";

/** Text that was put by once and may be used in any number of edits of that batch. */
export class Text {
  constructor(start, end) {
    this.start = start;
    this.end = end;
  }
}

class Double {
  constructor(number) {
    this.number = number;
  }
}

class Encoded {
  constructor(bytes) {
    this.bytes = bytes;
  }
}

export const double = (number) => new Double(number);

export const encoded = (bytes) => new Encoded(bytes);

export class Edits {
  #edits = [];
  #text = [];

  get length() {
    return this.#edits.length;
  }

  text(text) {
    return this.#store(text);
  }

  splice(cell, { start, end }, with_) {
    this.#add("splice", { cell, start, end, with: this.#slice(with_) });
  }

  replace(cell, value) {
    this.#add("replace", { cell, value: this.#value(value) });
  }

  remove(cell) {
    this.#add("remove", cell);
  }

  upsert(write, rows, value, { mode = "upsert", key = "" } = {}) {
    const [firstRow, endRow] = range(rows);
    this.#add("upsert", { write, firstRow, endRow, key: this.#slice(key), value: this.#value(value), mode });
  }

  erase(write, rows, { key = "" } = {}) {
    const [firstRow, endRow] = range(rows);
    this.#add("erase", { write, firstRow, endRow, key: this.#slice(key) });
  }

  dropRows(level, rows) {
    const [firstRow, endRow] = range(rows);
    const last = this.#last("drop");
    if (last && last.level === level && last.endRow === firstRow) last.endRow = endRow;
    else this.#add("drop", { level, firstRow, endRow });
  }

  routeRows(level, rows, route) {
    const [firstRow, endRow] = range(rows);
    const last = this.#last("route");
    if (last && last.level === level && last.route === route && last.endRow === firstRow) last.endRow = endRow;
    else this.#add("route", { level, firstRow, endRow, route });
  }

  script() {
    return { edits: this.#edits, text: Uint8Array.from(this.#text) };
  }

  #add(tag, val) {
    this.#edits.push({ tag, val });
  }

  #last(tag) {
    const last = this.#edits[this.#edits.length - 1];
    return last?.tag === tag ? last.val : null;
  }

  #store(text) {
    const start = this.#text.length;
    if (typeof text === "string") encode(text, this.#text);
    else for (const byte of text) this.#text.push(byte);
    return new Text(start, this.#text.length);
  }

  #slice(text) {
    const { start, end } = text instanceof Text ? text : this.#store(text);
    return { start, end };
  }

  #value(value) {
    if (typeof value === "boolean") return { tag: "boolean", val: value };
    if (value instanceof Double) return { tag: "double", val: value.number };
    if (value instanceof Encoded) return { tag: "encoded", val: this.#slice(value.bytes) };
    if (value instanceof Uint8Array) return { tag: "bytes", val: this.#slice(value) };
    if (typeof value === "string" || value instanceof Text) return { tag: "text", val: this.#slice(value) };
    if (typeof value !== "number") throw new TypeError(`a value of type ${typeof value} cannot be written: convert it`);
    if (!Number.isInteger(value)) return { tag: "double", val: value };
    if (!Number.isSafeInteger(value)) throw new RangeError(`${value} is no exact integer: write double(${value})`);
    return { tag: "signed", val: value };
  }
}

function range(rows) {
  return typeof rows === "number" ? [rows, rows + 1] : [rows.start, rows.end];
}
