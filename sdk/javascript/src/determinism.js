/**
 * There is neither a clock nor chance in a module: what JavaScript has of both comes from the context, so that a batch can be
 * replayed.
 */

const RealDate = Date;
let now = 0;
let state = 0;

/** Has `Date` tell this time, in nanoseconds since the Unix epoch. */
export function setNow(nanoseconds) {
  now = Math.floor(nanoseconds / 1e6);
  globalThis.Date = ContextDate;
  Object.defineProperty(globalThis, "performance", { value: { now: () => 0, timeOrigin: now }, configurable: true });
}

/** Has `Math.random` begin anew from this seed. */
export function seed(number) {
  state = number % 2 ** 32 | 0;
  Math.random = random;
}

class ContextDate extends RealDate {
  constructor(...parts) {
    if (parts.length === 0) super(now);
    else super(...parts);
  }

  static now() {
    return now;
  }
}

// Mulberry32.
function random() {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
}
