/** The way from the world's exports to a processor. */

import { Batch, Context } from "./batch.js";
import { ConfigError, decode } from "./config.js";
import { seed, setNow } from "./determinism.js";
import { Edits } from "./edits.js";
import { attached, log } from "./host.js";

/** The functions of the world for a class of processors. */
export function exported(Processor) {
  let processor = null;
  return {
    configure(signal, config) {
      return telling(() => {
        const made = new Processor();
        const plan = made.configure(signal, decode(config, Processor.defaults));
        if (!plan) throw new ConfigError("", "configure returned no plan");
        processor = made;
        return plan.packed;
      });
    },

    process(context, batch) {
      return telling(() => {
        if (!processor) throw new ConfigError("", "process was called before configure");
        if (attached()) {
          setNow(context.now);
          seed(context.seed);
        }
        const edits = new Edits();
        processor.process(new Context(context), new Batch(batch), edits);
        return edits.script();
      });
    },
  };
}

/** What is thrown becomes the contract's error, a text; what was not foreseen is told in the log, with its place. */
function telling(call) {
  try {
    return call();
  } catch (problem) {
    if (problem instanceof ConfigError) throw problem.message || "an error without a word";
    const sentence = String(problem) || "an error without a word";
    log.error(`thrown: ${sentence}\n${problem?.stack ?? ""}`.trim());
    throw sentence;
  }
}
