/** Runs a processor on OTLP/JSON without a host; `testing.d.ts` says how far that goes. */

import { exported } from "./src/exported.js";
import { record } from "./src/host.js";
import { Path } from "./src/testing/path.js";
import { rowsOf } from "./src/testing/rows.js";
import { column, packed } from "./src/testing/pack.js";
import { apply } from "./src/testing/apply.js";

export class Tester {
  #functions;
  #plan;
  #signal;
  #reads;
  #context;
  calls = 0;
  routes = [];

  constructor(processor, signal, config = {}, { now = 0, seed = 0, cluster = null, metadata = [] } = {}) {
    record.lines.length = 0;
    for (const name of Object.keys(record.counters)) delete record.counters[name];
    this.#functions = exported(processor);
    this.#signal = signal;
    this.#context = { now, seed, cluster, metadata };
    this.#plan = told(() => this.#functions.configure(signal, JSON.stringify(config)));
    this.#reads = this.#plan.reads.map(({ path }) => new Path(path));
  }

  get lines() {
    return record.lines;
  }

  get counters() {
    return record.counters;
  }

  process(request) {
    request = structuredClone(request);
    this.routes = [];
    const rows = rowsOf(request, this.#signal);
    const { cells, columns, dictionary } = this.#project(rows);
    const { reads } = this.#plan;
    if (reads.length > 0 && reads.every(({ patterns }) => patterns.length > 0) && cells.length === 0) return request;
    this.calls++;
    const levels = [...rows].map(([level, at]) => ({
      level, count: at.length, parents: at.filter(({ above }) => above).map(({ parent }) => parent),
    }));
    const batch = { signal: this.#signal, levels, dictionary: packed(dictionary), columns };
    const script = told(() => this.#functions.process(this.#context, batch));
    this.routes = apply(script, this.#plan, rows, cells);
    return request;
  }

  #project(rows) {
    const [cells, columns, dictionary] = [[], [], []];
    this.#plan.reads.forEach((read, number) => {
      const path = this.#reads[number];
      const patterns = read.patterns.map((pattern) => new RegExp(pattern, "gu"));
      const all = (rows.get(path.level) ?? []).flatMap((row, at) => [...path.cells(row, at, read.cells)]);
      const found = all.filter((cell) => patterns.length === 0 || cell.scan(patterns));
      const keys = found.filter(({ isKey }) => isKey);
      for (const cell of found) cell.within = 1 + keys.findLastIndex((key) => key.isAround(cell));
      for (const isKey of [false, true]) {
        for (const kind of ["text", "bytes", "signed", "unsigned", "double", "boolean"]) {
          const chosen = found.filter((cell) => cell.isKey === isKey && cell.kind === kind);
          if (chosen.length === 0) continue;
          columns.push(column(number, path, cells.length, chosen, dictionary, keys.length > 0));
          cells.push(...chosen);
        }
      }
    });
    return { cells, columns, dictionary };
  }
}

/** The contract's errors are texts; a test wants an Error. */
function told(call) {
  try {
    return call();
  } catch (problem) {
    throw typeof problem === "string" ? new Error(problem) : problem;
  }
}
