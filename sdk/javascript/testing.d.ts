/**
 * Runs a processor on OTLP/JSON without a host: reads found, patterns run, the processor called, its edits applied.
 *
 * It stands in for the host as far as a unit test needs it, and differs:
 * - patterns are run by JavaScript's `RegExp`, without flags: what it takes and the host does not (look-around,
 *   back-references) is found by the host alone, and what the host alone takes (`(?i)`, `\z`) fails here;
 * - reads of `whole` and `composites` have no cells here, and cells are not `encoded`: try those in a host;
 * - of fields there are texts, numbers, bodies and attributes: no ids, no values of data points;
 * - limits and grants are not kept. That edits lie within the plan's writes, that they do not overlap, and that nothing is
 *   edited under something removed or dropped is.
 */
import type { Level, ProcessorClass, Signal } from "./index.js";

export class Tester {
  constructor(
    processor: ProcessorClass,
    signal: Signal,
    config?: unknown,
    context?: { now?: number; seed?: number; cluster?: string | null; metadata?: [string, string][] },
  );
  /** How often the processor was needed. */
  readonly calls: number;
  /** The rows of the last batch that it sent elsewhere. */
  readonly routes: { level: Level; row: number; route: string }[];
  /** What it logged, as level and line. */
  readonly lines: [string, string][];
  /** What it counted. */
  readonly counters: Record<string, number>;
  /** Hands a request in OTLP/JSON to the processor, and returns what becomes of it. */
  process<R>(request: R): R;
}
