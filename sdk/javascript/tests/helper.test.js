// The stand-in for the host keeps to the contract: `node --test sdk/javascript/tests`.

import assert from "node:assert/strict";
import test from "node:test";

import { Plan } from "../index.js";
import { Tester } from "../testing.js";

const text = (stringValue) => ({ stringValue });
const request = (...records) => ({
  resourceLogs: [{ scopeLogs: [{ logRecords: records.map(([body, attributes = {}]) => ({
    body: text(body), attributes: Object.entries(attributes).map(([key, value]) => ({ key, value })),
  })) }] }],
});
const attributes = (after, row = 0) =>
  Object.fromEntries(after.resourceLogs[0].scopeLogs[0].logRecords[row].attributes.map(({ key, value }) => [key, value]));

/** A processor that does what a test gives it to do. */
function tester(ask, process) {
  return new Tester(
    class {
      configure() {
        const plan = new Plan();
        this.asked = ask(plan);
        return plan;
      }
      process(context, batch, edits) {
        process(this.asked, batch, edits);
      }
    },
    "logs",
  );
}

test("an upsert writes by its mode", () => {
  const one = tester((plan) => plan.write("log.attributes[*]"), (write, batch, edits) => {
    const rows = { start: 0, end: batch.count("item") };
    edits.upsert(write, rows, 1, { mode: "insert", key: "a" });
    edits.upsert(write, rows, 2.5, { mode: "update", key: "b" });
    edits.upsert(write, rows, true, { key: "c" });
    edits.erase(write, rows, { key: "d" });
  });
  const after = one.process(request(["x", { a: text("mine") }], ["y", { b: text("old"), d: text("gone") }]));
  assert.deepEqual(attributes(after), { a: text("mine"), c: { boolValue: true } });
  assert.deepEqual(attributes(after, 1), { b: { doubleValue: 2.5 }, a: { intValue: "1" }, c: { boolValue: true } });
});

test("a removed attribute takes what is in it", () => {
  const one = tester(
    (plan) => {
      plan.write("log.attributes[**]");
      return plan.read("log.attributes[**]");
    },
    (read, batch, edits) => {
      const cells = [...batch.cells(read)];
      const keys = cells.filter(({ isKey }) => isKey);
      edits.remove(keys[0].id);
      for (const { id, isKey, within } of cells) {
        if (!isKey && within !== 0 && keys[within].within !== 0) edits.replace(id, "seen");
      }
    },
  );
  const inner = { kvlistValue: { values: [{ key: "deep", value: text("x") }] } };
  assert.deepEqual(attributes(one.process(request(["x", { a: inner, b: text("y") }]))), { b: text("seen") });
});

test("rows are routed", () => {
  const one = tester((plan) => plan.route("side"), (route, batch, edits) => edits.routeRows("item", 1, route));
  one.process(request(["x"], ["y"]));
  assert.deepEqual(one.routes, [{ level: "item", row: 1, route: "side" }]);
});

const reads = (plan) => plan.read("log.body");
const writes = (plan) => {
  plan.write("log.body");
  plan.dropRows();
  return reads(plan);
};
const first = (read, batch) => [...batch.cells(read)][0].id;
const replace = (read, batch, edits) => edits.replace(first(read, batch), "x");
const parts = (...all) => (read, batch, edits) => all.forEach(([start, end]) => edits.splice(first(read, batch), { start, end }, "x"));

for (const [ask, process, told] of [
  [reads, replace, /outside the plan's writes/],
  [writes, parts([0, 3], [2, 4]), /two splices overlap/],
  [writes, parts([0, 1]), /within a character/],
  [writes, (...all) => (all[2].dropRows("item", 0), replace(...all)), /another edit drops/],
  [writes, (...all) => (replace(...all), replace(...all)), /two edits of one cell/],
]) {
  test(`what a host would refuse is refused: ${told.source}`, () => {
    assert.throws(() => tester(ask, process).process(request(["éxyz"])), told);
  });
}
