/** What a processor has from the host: a log and counters. In a test there is none, and both are kept to be looked at. */

import { seed, setNow } from "./determinism.js";

let host = null;

/** What was said and counted where there is no host. */
export const record = { lines: [], counters: {} };

/** Takes the host's functions; the module's entry, which the build makes, calls this once. */
export function attach(functions) {
  host = functions;
  setNow(0);
  seed(0);
}

export function attached() {
  return host !== null;
}

const write = (level) => (line) => {
  if (host) host.write(level, String(line));
  else record.lines.push([level, String(line)]);
};

/** Lines in the collector's own log, with the module's name and digest; the host bounds their length and rate. */
export const log = { debug: write("debug"), info: write("info"), warn: write("warn"), error: write("error") };

/** Adds to the module's counter of this name: letters, digits and underscores. A call to the host, so add up first. */
export function count(name, value = 1) {
  if (host) host.add(name, value);
  else record.counters[name] = (record.counters[name] ?? 0) + value;
}
