/** Cells packed in columns, as the host does it. */

import { encode } from "../utf8.js";

export function packed(texts) {
  return packedBytes(texts.map((text) => encode(text)));
}

function packedBytes(parts) {
  const [bytes, ends] = [[], []];
  for (const part of parts) {
    for (const byte of part) bytes.push(byte);
    ends.push(bytes.length);
  }
  return { bytes: Uint8Array.from(bytes), ends };
}

/** The cells of one read that have one type; their keys go to the dictionary. */
export function column(read, path, firstCell, cells, dictionary, hasKeys) {
  const { kind } = cells[0];
  const number = (key) => {
    const at = dictionary.indexOf(key);
    return at < 0 ? dictionary.push(key) - 1 : at;
  };
  return {
    read,
    part: cells[0].isKey ? "key" : "value",
    firstCell,
    rows: cells.map(({ at }) => at),
    keys: path.isKeyed ? cells.map(({ key }) => number(key)) : [],
    within: hasKeys ? cells.map(({ within }) => within) : [],
    values: { tag: kind, val: cells[0].contents ? packedBytes(cells.map(({ contents }) => contents)) : cells.map(({ value }) => value) },
    matches: cells.flatMap(({ matches }, index) => matches.map((found) => ({ index, ...found }))),
  };
}
