import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import Masks from "./processor.js";
import { Tester } from "./sdk/testing.js";

const fixture = (name) => JSON.parse(readFileSync(new URL(`fixtures/${name}.json`, import.meta.url), "utf8"));

test("masks what the pattern finds", () => {
  const masks = new Tester(Masks, "logs", { pattern: "password=[^ ]+", mask: "password=***" });
  assert.deepEqual(masks.process(fixture("logs")), fixture("logs.expected"));
  assert.deepEqual(masks.counters, { masked: 1 });
});

test("a pattern of nothing is refused", () => {
  assert.throws(() => new Tester(Masks, "logs", {}), /^Error: pattern: has to be a regular expression$/);
});
