/** A plan is what a processor asks the host for: fields to read, fields to write, routes. */

export class Plan {
  packed = { reads: [], writes: [], routes: [], state: "none" };

  read(path) {
    return this.#read(path, [], "scalars");
  }

  readMatching(path, patterns) {
    return this.#read(path, patterns, "scalars");
  }

  readPrinted(path, patterns = []) {
    return this.#read(path, patterns, "printed");
  }

  readWhole(path, keys = []) {
    return this.#read(path, keys, "whole");
  }

  readComposites(path) {
    return this.#read(path, [], "composites");
  }

  write(path) {
    return this.packed.writes.push(path) - 1;
  }

  dropRows() {
    this.#word("drop");
  }

  route(name) {
    this.#word("route");
    const at = this.packed.routes.indexOf(name);
    return at < 0 ? this.packed.routes.push(name) - 1 : at;
  }

  remember() {
    this.packed.state = "rebuildable";
  }

  #read(path, patterns, cells) {
    const named = patterns.map((pattern) => {
      if (pattern instanceof RegExp) throw new TypeError("a pattern is the text of one: the host runs it, and has no flags");
      return typeof pattern === "string" ? { source: pattern, name: "" } : pattern;
    });
    const read = { path, patterns: named.map(({ source }) => source), names: named.map(({ name }) => name ?? ""), cells };
    return this.packed.reads.push(read) - 1;
  }

  #word(word) {
    if (!this.packed.writes.includes(word)) this.packed.writes.push(word);
  }
}
