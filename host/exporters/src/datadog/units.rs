//! Units: from those of UCUM, which OpenTelemetry has, to the words that Datadog knows.

/// Datadog's word for a unit, or for a unit by another; none where it has no word.
pub(super) fn unit(ucum: &str) -> Option<String> {
    if ucum.is_empty() || ucum == "1" {
        return None;
    }
    match ucum.split_once('/') {
        None => part(ucum),
        Some((_, below)) if below.contains('/') => None,
        Some((above, below)) => Some(format!("{}/{}", part(above)?, part(below)?)),
    }
}

/// What a prefix is called.
const PREFIXES: [(&str, &str); 16] = [
    // Those of two letters first: `Mi` is no `M` of something.
    ("Ki", "kibi"),
    ("Mi", "mebi"),
    ("Gi", "gibi"),
    ("Ti", "tebi"),
    ("Pi", "pebi"),
    ("Ei", "exbi"),
    ("d", "deci"),
    ("m", "milli"),
    ("u", "micro"),
    ("n", "nano"),
    ("k", "kilo"),
    ("M", "mega"),
    ("G", "giga"),
    ("T", "tera"),
    ("P", "peta"),
    ("E", "exa"),
];

/// Units, their words, and the prefixes with which Datadog knows them.
const UNITS: [(&str, &str, &[&str]); 11] = [
    ("By", "byte", &["Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E"]),
    ("bit", "bit", &["k", "M", "G", "T", "P", "E"]),
    ("s", "second", &["m", "u", "n"]),
    ("h", "hour", &[]),
    ("Hz", "hertz", &["k", "M", "G"]),
    ("W", "watt", &["d", "m", "u", "n", "k", "M", "G", "T"]),
    ("V", "volt", &["m"]),
    ("J", "joule", &["n", "m", "k", "M"]),
    ("A", "ampere", &["m"]),
    ("Cel", "degree celsius", &["d"]),
    ("%", "percent", &[]),
];

fn part(ucum: &str) -> Option<String> {
    if let Some(thing) = ucum.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return match thing {
            "datapoint" => Some("item".to_owned()),
            _ => THINGS.split_whitespace().any(|known| known == thing).then(|| thing.to_owned()),
        };
    }
    if let Some((_, word, _)) = UNITS.iter().find(|(unit, _, _)| *unit == ucum) {
        return Some((*word).to_owned());
    }
    PREFIXES.iter().find_map(|(prefix, name)| {
        let rest = ucum.strip_prefix(prefix)?;
        let (_, word, known) = UNITS.iter().find(|(unit, _, _)| *unit == rest)?;
        known.contains(prefix).then(|| format!("{name}{word}"))
    })
}

/// What Datadog counts: the annotations that it knows as units.
const THINGS: &str = "alert apdex assertion attempt block buffer build cent check collection column command commit \
    connection container core cpu cursor datagram day decibel-milliwatt device document dollar email entity entry error \
    euro event eviction exception execution fault fetch file flush fraction frame get heap hit hop host index inode \
    instance invocation item job key location lock merge message method minute miss monitor node object occurrence offset \
    operation packet page payload penny permille pound prediction process query question read record refresh request \
    resource response route row run sample scan sector segment service session set shard span split stage step success \
    table task thread throttle ticket time timeout token transaction unit update user vector view volume wait watt-hour \
    week worker write";
