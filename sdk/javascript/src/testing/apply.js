/** Applies a script to a request in OTLP/JSON, and refuses what the host refuses. */

import { decode } from "../utf8.js";
import { base64 } from "./cell.js";
import { Path } from "./path.js";
import { range } from "./rows.js";

/** Applies the edits, and returns what was routed. */
export function apply({ edits, text }, plan, rows, cells) {
  const writes = plan.writes.map((path) => (path === "drop" || path === "route" ? null : new Path(path)));
  const granted = (word) => {
    if (!plan.writes.includes(word)) throw new Error(`${word}: an edit is outside the plan's writes`);
  };
  const [edited, upserts, dropped, routes] = [new Map(), [], [], []];
  for (const { tag, val } of edits) {
    if (tag === "drop") {
      granted("drop");
      dropped.push(...range(rows, val.level, val));
    } else if (tag === "route") {
      granted("route");
      const numbers = range(rows, val.level, val).map((_, at) => val.firstRow + at);
      routes.push(...numbers.map((row) => ({ level: val.level, row, route: plan.routes[val.route] })));
    } else if (tag === "upsert" || tag === "erase") upserts.push([tag, val]);
    else {
      const cell = cells[tag === "remove" ? val : val.cell];
      if (!cell) throw new Error("there is no such cell");
      if (!edited.has(cell)) edited.set(cell, []);
      edited.get(cell).push([tag, val]);
    }
  }
  const gone = [...edited].filter(([, [[tag]]]) => tag === "remove").map(([cell]) => cell);
  const notDropped = (row) => {
    if (dropped.some((other) => row.isUnder(other))) throw new Error("an edit lies in a row that another edit drops");
  };
  for (const [cell, changes] of edited) {
    if (!writes.some((path) => path?.covers(cell))) {
      throw new Error(`an edit of ${cell.path.source} is outside the plan's writes`);
    }
    notDropped(cell.row);
    if (gone.some((outer) => outer.isAround(cell))) {
      throw new Error("an edit lies under something that another edit removes");
    }
    const [[tag, val]] = changes;
    if (changes.every(([each]) => each === "splice")) cell.splice(changes.map(([, splice]) => splice), text);
    else if (changes.length > 1) throw new Error("two edits of one cell");
    else if (tag === "remove") cell.remove();
    else cell.slot.put(any(val.value, text));
  }
  for (const [tag, val] of upserts) {
    const path = writes[val.write];
    const keys = path.reach ? [...path.keys, decode(text, val.key.start, val.key.end)] : path.keys;
    for (const row of range(rows, path.level, val)) {
      notDropped(row);
      path.write(row, keys, tag === "erase" ? null : any(val.value, text), val.mode);
    }
  }
  for (const row of dropped) row.drop();
  return routes;
}

/** The value of an edit in OTLP/JSON's form. */
function any({ tag, val }, text) {
  switch (tag) {
    case "text":
      return { stringValue: decode(text, val.start, val.end) };
    case "bytes":
      return { bytesValue: base64(text.subarray(val.start, val.end)) };
    case "signed":
      return { intValue: String(val) };
    case "double":
      return { doubleValue: val };
    case "boolean":
      return { boolValue: val };
    default:
      throw new Error("an encoded value is beyond this helper: try it in a host");
  }
}
