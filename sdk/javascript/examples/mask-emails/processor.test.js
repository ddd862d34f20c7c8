// The sample by itself, on the cases that it has to pass in a host, too.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";

import { Tester } from "../../testing.js";
import MaskEmails from "./processor.js";

const cases = new URL("../../../../tests/conformance/cases/", import.meta.url);
const read = (name) => JSON.parse(readFileSync(new URL(name, cases), "utf8"));

for (const name of readdirSync(cases)) {
  test(`does with ${name} what it does in a host`, () => {
    const { signal, config, in: request, out } = read(name);
    const after = new Tester(MaskEmails, signal, config).process(request);
    // A request of which nothing is left is not delivered.
    assert.deepEqual(after, out ?? Object.fromEntries(Object.keys(after).map((key) => [key, []])));
  });
}

test("says which key is wrong", () => {
  assert.throws(() => new Tester(MaskEmails, "logs", { maks: "" }), /^Error: maks: no such key; there is mask, keep_domain$/);
});

test("counts and tells", () => {
  const tester = new Tester(MaskEmails, "logs");
  tester.process(read("dropped.json").in);
  assert.deepEqual(tester.counters, { masked: 3 });
  assert.deepEqual(tester.lines.at(-1), ["info", "dropped 5 items"]);
});
