/** A cell of a request in OTLP/JSON: where it lies, what it holds, and how it is edited. */

import { decode, encode } from "../utf8.js";

/** A place that holds a value: an `AnyValue`, a list of attributes, or a field in its own form. */
export class Slot {
  constructor(holder, name, kind) {
    Object.assign(this, { holder, name, kind });
  }

  any() {
    const value = this.holder[this.name];
    if (this.kind === "any") return value ?? {};
    if (this.kind === "attributes") return { kvlistValue: { values: value ?? [] } };
    return value === undefined ? {} : { [{ text: "stringValue", signed: "intValue" }[this.kind] ?? "unsigned"]: value };
  }

  put(any) {
    this.holder[this.name] = this.kind === "any" ? any : Object.values(any)[0];
  }

  remove() {
    delete this.holder[this.name];
  }

  isThere() {
    return this.holder[this.name] !== undefined;
  }

  entries() {
    if (this.kind === "attributes") return (this.holder[this.name] ??= []);
    return this.any().kvlistValue?.values ?? [];
  }

  items() {
    return this.any().arrayValue?.values ?? [];
  }
}

/** An item of a list, wherever it moves. */
class Item extends Slot {
  constructor(item) {
    super({ item }, "item", "any");
  }

  put(any) {
    for (const name of Object.keys(this.holder.item)) delete this.holder.item[name];
    Object.assign(this.holder.item, any);
  }
}

const VALUES = {
  stringValue: ["text", String],
  bytesValue: ["bytes", (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0))],
  intValue: ["signed", Number],
  unsigned: ["unsigned", Number],
  doubleValue: ["double", Number],
  boolValue: ["boolean", Boolean],
};

export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));

export class Cell {
  isKey = false;
  within = 0;
  matches = [];

  constructor({ path, row, at, slot, form, place = [], keys = [], container = null, element = null }) {
    Object.assign(this, { path, row, at, slot, form, place, keys, container, element });
  }

  get key() {
    return this.keys.at(-1) ?? "";
  }

  /** The cell of an attribute's value or a list's item. */
  inside(at, element, container) {
    const isEntry = "key" in element;
    const slot = isEntry ? new Slot(element, "value", "any") : new Item(element);
    const keys = isEntry ? [...this.keys, element.key] : this.keys;
    return new Cell({ ...this, slot, place: [...this.place, at], keys, container, element });
  }

  asKey(entry) {
    const key = new Cell({ ...this, slot: new Slot(entry, "key", "text"), element: entry });
    key.isKey = true;
    return key;
  }

  /** Itself, where it is a value that crosses over. */
  *scalar(isDeep = false) {
    const [[name, value] = []] = Object.entries(this.slot.any());
    if (!(name in VALUES)) return;
    if (isDeep && this.form === "scalars" && name !== "stringValue" && name !== "bytesValue") return;
    const [kind, read] = VALUES[name];
    [this.kind, this.value] = [kind, read(value)];
    if (this.form === "printed" && kind !== "text") {
      [this.kind, this.isPrinted] = ["text", true];
      this.value = kind === "bytes" ? value : String(value);
    }
    if (this.kind === "text") this.contents = Uint8Array.from(encode(this.value));
    if (this.kind === "bytes") this.contents = this.value;
    yield this;
  }

  /** Runs the patterns over a text or byte string, and says whether any matched. */
  scan(patterns) {
    if (!this.contents) return false;
    const isText = this.kind === "text";
    const text = isText ? this.value : String.fromCharCode(...this.value);
    const bytes = (index) => (isText ? encode(text.slice(0, index)).length : index);
    patterns.forEach((expression, pattern) => {
      for (const found of text.matchAll(expression)) {
        this.matches.push({ pattern, start: bytes(found.index), end: bytes(found.index + found[0].length) });
      }
    });
    this.matches.sort((one, other) => one.start - other.start || one.pattern - other.pattern);
    return this.matches.length > 0;
  }

  isAround(other) {
    const sameField = this.row === other.row && this.path.field === other.path.field && this !== other;
    const begins = this.place.every((step, at) => other.place[at] === step);
    return sameField && begins && !(other.isKey && other.place.length === this.place.length);
  }

  remove() {
    if (!this.container) return this.slot.remove();
    const at = this.container.indexOf(this.element);
    if (at >= 0) this.container.splice(at, 1);
  }

  /** Puts new parts into a text or byte string: from the last to the first, so that none moves another. */
  splice(splices, text) {
    if (!this.contents || this.isPrinted) throw new Error("a splice of what is no text");
    let contents = [...this.contents];
    let before = contents.length;
    for (const { start, end, with: part } of [...splices].sort((one, other) => other.start - one.start)) {
      if (end > before || start > end) throw new Error("two splices overlap, or one is outside its cell");
      contents = [...contents.slice(0, start), ...text.subarray(part.start, part.end), ...contents.slice(end)];
      before = start;
    }
    if (this.kind === "bytes") return this.slot.put({ bytesValue: base64(contents) });
    const spliced = decode(Uint8Array.from(contents));
    const again = encode(spliced);
    if (again.length !== contents.length || again.some((byte, at) => byte !== contents[at])) {
      throw new Error("a splice is within a character");
    }
    this.slot.put({ stringValue: spliced });
  }
}
