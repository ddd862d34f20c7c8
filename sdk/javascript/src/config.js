/** The configuration: JSON from the host, held against a processor's defaults, with errors that name the key. */

/** An error at a key of the configuration, such as `rules[2].route`. */
export class ConfigError extends Error {
  constructor(key, problem) {
    super(key ? `${key}: ${problem}` : problem);
    this.key = key;
    this.problem = problem;
  }
}

/** Reads a configuration. Without defaults it is what it is; else each of its keys has to be one of theirs, and of its type. */
export function decode(json, defaults) {
  const config = json.trim() === "" ? {} : (JSON.parse(json) ?? {});
  if (kind(config) !== "map") throw new ConfigError("", "the configuration has to be a map of keys and their values");
  return defaults === undefined ? config : merge(config, defaults, "");
}

function merge(config, defaults, path) {
  const merged = { ...defaults };
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults);
      const thereIs = known.length > 0 ? `there is ${known.join(", ")}` : "there are no keys";
      throw new ConfigError(path + key, `no such key; ${thereIs}`);
    }
    const [given, wanted] = [kind(value), kind(defaults[key])];
    // A default of null takes a value of any type.
    if (wanted !== "nothing" && given !== wanted) throw new ConfigError(path + key, `has to be ${NAMES[wanted]}`);
    // A map of no defaults is one whose keys are the operator's.
    const isOpen = wanted === "map" && Object.keys(defaults[key]).length === 0;
    merged[key] = wanted === "map" && !isOpen ? merge(value, defaults[key], `${path}${key}.`) : value;
  }
  return merged;
}

const NAMES = { string: "a text", number: "a number", boolean: "true or false", list: "a list", map: "a map" };

function kind(value) {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "list";
  return typeof value === "object" ? "map" : typeof value;
}
