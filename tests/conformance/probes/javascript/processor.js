// Makes each kind of edit, of each type of value, for a test that looks at what becomes of them.

import { Plan, encoded } from "../../../../sdk/javascript/index.js";

export default class Probe {
  configure(signal) {
    const plan = new Plan();
    this.isLogs = signal === "logs";
    if (!this.isLogs) return plan;
    this.replaced = plan.read('log.attributes["replaced"]');
    this.removed = plan.read('log.attributes["removed"]');
    this.numbers = plan.read('log.attributes["number"]');
    this.printed = plan.readPrinted('log.attributes["printed"]');
    this.copied = plan.readWhole('log.attributes["copied"]');
    this.routed = plan.read('log.attributes["routed"]');
    this.times = plan.read("log.time_unix_nano");
    this.any = plan.write("log.attributes[*]");
    this.erased = plan.write('log.attributes["erased"]');
    this.copy = plan.write('log.attributes["copy"]');
    this.severity = plan.write("log.severity_text");
    this.side = plan.route("side");
    return plan;
  }

  process(context, batch, edits) {
    if (!this.isLogs) return;
    const rows = { start: 0, end: batch.count("item") };
    for (const cell of batch.cells(this.replaced)) edits.replace(cell.id, `in place of ${cell.text}`);
    for (const cell of batch.cells(this.removed)) edits.remove(cell.id);
    for (const { id, type, value } of batch.cells(this.numbers)) {
      edits.replace(id, type === "boolean" ? !value : type === "signed" ? value + 1 : value / 2);
    }
    for (const cell of batch.cells(this.printed)) edits.replace(cell.id, `<${cell.text}>`);
    for (const { row, type, value } of batch.cells(this.copied)) {
      edits.upsert(this.copy, row, type === "encoded" ? encoded(value) : value);
    }
    for (const { row, value } of batch.cells(this.times)) edits.upsert(this.any, row, String(value), { key: "time" });
    edits.upsert(this.any, rows, 1.5, { mode: "insert", key: "inserted" });
    edits.upsert(this.any, rows, true, { mode: "update", key: "updated" });
    edits.upsert(this.any, rows, Uint8Array.of(0, 255), { key: "bytes" });
    edits.upsert(this.any, rows, Date.now() === Math.floor(context.now / 1e6), { key: "clock" });
    edits.upsert(this.severity, rows, "PROBED");
    edits.erase(this.erased, rows);
    for (const { row } of batch.cells(this.routed)) edits.routeRows("item", row, this.side);
  }
}
