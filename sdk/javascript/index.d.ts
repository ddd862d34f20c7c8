/**
 * Write Tidegate processors in JavaScript or TypeScript.
 *
 * Offsets and lengths are bytes of UTF-8, and a range is from its start to before its end. Integers cross over as JavaScript's
 * numbers: those beyond 2^53 are rounded, `Context.now` and `Context.seed` among them.
 */

export type Signal = "logs" | "traces" | "metrics";

/** The levels of a payload, outermost first; an item is a log record, a span or a data point. */
export type Level = "origin" | "scope" | "metric" | "item" | "event" | "link" | "exemplar";

/** Always, where the field is absent, or where it is present. */
export type Mode = "upsert" | "insert" | "update";

export interface Range {
  start: number;
  end: number;
}

/** One row, or a range of them. */
export type Rows = number | Range;

declare const id: unique symbol;
export type ReadId = number & { [id]?: "read" };
export type WriteId = number & { [id]?: "write" };
export type RouteId = number & { [id]?: "route" };
export type CellId = number & { [id]?: "cell" };

/**
 * What a module's author writes, as the default export of its main file. `C` is the type of its configuration, which is
 * `typeof MyProcessor.defaults` for a class that has them.
 */
export interface Processor<C = Record<string, unknown>> {
  /** Takes the configuration: once, before any batch. Throw a `ConfigError` that names the key at fault. */
  configure(signal: Signal, config: C): Plan;
  /**
   * Takes one batch. What this does depends on its arguments alone, unless the plan says that the instance remembers
   * something. What is thrown fails the batch as a whole.
   */
  process(context: Context, batch: Batch, edits: Edits): void;
}

export interface ProcessorClass<C = any> {
  new (): Processor<C>;
  /**
   * The configuration's keys and their defaults. A key that is not here and a value of another type are refused by name; a
   * default of `null` takes any type, and an empty map any keys. Without this, the processor gets the configuration as it is.
   */
  defaults?: C;
}

/** A regular expression that comes from the configuration's key `name`: where it is wrong, the operator reads that. */
export interface Pattern {
  source: string;
  name?: string;
}

/**
 * What a processor asks the host for; made once, in `configure`.
 *
 * Paths are those of OTTL: `log.body`, `resource.attributes["cluster.id"]`, `span.attributes[*]` for each value of the map,
 * `log.attributes[**]` for every text, byte string and map key in it, however deep.
 */
export class Plan {
  /** The cells of this path. */
  read(path: string): ReadId;
  /** Those in which one of the patterns matches, with the matches. The host runs them, in the syntax of Rust's `regex`. */
  readMatching(path: string, patterns: (string | Pattern)[]): ReadId;
  /** The cells as text, numbers and truth values printed. What is no text itself can be replaced and not spliced. */
  readPrinted(path: string, patterns?: (string | Pattern)[]): ReadId;
  /** Attributes with values of any type, lists and maps encoded: all, or those in whose key one of the patterns matches. */
  readWhole(path: string, keys?: (string | Pattern)[]): ReadId;
  /** Lists, maps and values without a member, encoded, and nothing else. */
  readComposites(path: string): ReadId;
  /** Edits may touch this path. */
  write(path: string): WriteId;
  /** Edits may drop rows. */
  dropRows(): void;
  /** Edits may send rows to the route of this name; asking twice gives the same route. */
  route(name: string): RouteId;
  /** The instance remembers what it can afford to lose at a swap: there is then just one. */
  remember(): void;
}

/** All that a processor may know besides the cells: the same context and batch give the same edits. */
export class Context {
  /** When the host took the batch, in nanoseconds since the Unix epoch, to some hundreds of them. `Date.now()` tells it, too. */
  readonly now: number;
  /** A random number that is the same whenever this batch is replayed. `Math.random` begins from it. */
  readonly seed: number;
  /** The `cluster.id` that the batch was bound to at ingress. */
  readonly cluster: string | null;
  /** All request metadata that was granted; a key with several values comes once for each. */
  readonly allMetadata: [string, string][];
  /** The request metadata of this key, where it was granted. */
  metadata(key: string): string | null;
}

/** One payload, as far as the plan reads it. */
export class Batch {
  readonly signal: Signal;
  /** The cells of a read, by row and in the order of the payload among those of one type. */
  cells(read: ReadId): Iterable<Cell>;
  /** How many rows a level has; none where the plan names no field at it or under it. */
  count(level: Level): number;
  /** The row at the level `above` that a row is in; null where `above` is not above it. */
  ancestor(level: Level, row: number, above: Level): number | null;
}

/** A match of the pattern of this position in its read. */
export interface Match extends Range {
  pattern: number;
}

/** One value of a read: a field of a row, an attribute, or a key. */
export interface Cell {
  /** Its number, for edits. */
  readonly id: CellId;
  /** Its row, at the level that the context of the read's path names. */
  readonly row: number;
  /** The attribute key nearest to it; a list's items have the list's. Empty under no key, as a body is. */
  readonly key: string;
  /** Whether it is an attribute's key and not its value: only under `[**]`. */
  readonly isKey: boolean;
  /** The position, among the keys of the read, of the nearest key around it. A value's own key is around it. */
  readonly within: number | null;
  readonly type: "text" | "bytes" | "signed" | "unsigned" | "double" | "boolean" | "encoded";
  /** What it holds. */
  readonly value: string | Uint8Array | number | boolean;
  /** Its text, where it is text. */
  readonly text: string | null;
  /** The bytes of its text, byte string or encoded value, which is what ranges count in. */
  readonly contents: Uint8Array | null;
  /** The matches of the read's patterns in it, by start; those of different patterns may overlap. */
  readonly matches: readonly Match[];
  /** The parts of it that matched: matches that overlap are joined to one part. */
  parts(): Range[];
}

/** Text that was put by once and may be used in any number of edits of that batch. */
export class Text {
  private constructor();
  private readonly start: number;
}

/** A number that is written as a floating-point number, whole or not. */
export function double(number: number): NewValue;

/** An `AnyValue` message of OTLP, as an encoded cell holds it. */
export function encoded(bytes: Uint8Array): NewValue;

/** A value to write. A whole number is written as an integer. */
export type NewValue = string | Text | Uint8Array | number | boolean | { readonly [id]: "value" };

/** The edits of one batch. */
export class Edits {
  /** How many there are so far. */
  readonly length: number;
  /** Puts text by, for edits that share it. */
  text(text: string): Text;
  /** Replaces a part of a text or bytes cell: from and to a character's boundary. Parts must not overlap. */
  splice(cell: CellId, part: Range, text: string | Text): void;
  /** Replaces a cell. An attribute or a body may change its type. */
  replace(cell: CellId, value: NewValue): void;
  /** Removes a cell: the attribute with its key, the list's item, or the field. */
  remove(cell: CellId): void;
  /** Writes a field of each row. `key` names the attribute where the path ends in `[*]` or `[**]`. */
  upsert(write: WriteId, rows: Rows, value: NewValue, options?: { mode?: Mode; key?: string | Text }): void;
  /** Takes a field out of each row, whatever it holds. */
  erase(write: WriteId, rows: Rows, options?: { key?: string | Text }): void;
  /** Drops rows with all that is under them. Ranges that touch become one. */
  dropRows(level: Level, rows: Rows): void;
  /** Sends rows with all that is under them to a route. Ranges that touch become one. */
  routeRows(level: Level, rows: Rows, route: RouteId): void;
}

/** An error at a key of the configuration, such as `rules[2].route`. */
export class ConfigError extends Error {
  constructor(key: string, problem: string);
  readonly key: string;
  readonly problem: string;
}

/** Lines in the collector's own log, with the module's name and digest; the host bounds their length and rate. */
export const log: Record<"debug" | "info" | "warn" | "error", (line: string) => void>;

/** Adds to the module's counter of this name: letters, digits and underscores. A call to the host, so add up first. */
export function count(name: string, value?: number): void;
