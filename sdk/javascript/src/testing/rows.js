/** The rows of a request in OTLP/JSON, by level and in the order of the payload. */

const GROUPS = {
  logs: ["resourceLogs", "scopeLogs", "logRecords"],
  traces: ["resourceSpans", "scopeSpans", "spans"],
  metrics: ["resourceMetrics", "scopeMetrics", "metrics"],
};
const POINTS = ["gauge", "sum", "histogram", "exponentialHistogram", "summary"];
const BELOW = { event: "events", link: "links", exemplar: "exemplars" };

class Row {
  left = 0;

  constructor(object, container, parent, above) {
    Object.assign(this, { object, container, parent, above });
  }

  isUnder(other) {
    return this === other || (this.above?.isUnder(other) ?? false);
  }

  /** Goes, and with it what is left without items; a span without events stays. */
  drop() {
    const at = this.container.indexOf(this.object);
    if (at >= 0) this.container.splice(at, 1);
    if (this.above?.left > 0 && --this.above.left === 0) this.above.drop();
  }
}

export function rowsOf(request, signal) {
  const [outer, inner, leaf] = GROUPS[signal];
  const rows = new Map();
  const add = (level, container = [], above = null, counts = true) => {
    if (!rows.has(level)) rows.set(level, []);
    return container.map((object) => {
      const row = new Row(object, container, above?.number, above);
      row.number = rows.get(level).push(row) - 1;
      if (above && counts) above.left++;
      return row;
    });
  };
  for (const origin of add("origin", request[outer])) {
    for (const scope of add("scope", origin.object[inner], origin)) {
      const parents = signal === "metrics" ? add("metric", scope.object[leaf], scope) : [scope];
      for (const parent of parents) {
        const points = POINTS.map((kind) => parent.object[kind]?.dataPoints).find((found) => found);
        for (const item of add("item", signal === "metrics" ? points : scope.object[leaf], parent)) {
          for (const [level, name] of Object.entries(BELOW)) {
            if (Array.isArray(item.object[name])) add(level, item.object[name], item, false);
          }
        }
      }
    }
  }
  return rows;
}

/** The rows of an edit's range. */
export function range(rows, level, { firstRow, endRow }) {
  const chosen = (rows.get(level) ?? []).slice(firstRow, endRow);
  if (chosen.length !== endRow - firstRow) throw new Error("an edit is of rows that do not exist");
  return chosen;
}
