//! `loki` sends log records over Loki's own push API, with labels that are chosen here.

mod answer;
mod config;
mod cut;
mod exporter;
mod hints;
mod labels;
mod line;
mod metadata;
mod names;
mod push;
mod resource;
mod severity;
mod text;

pub use self::config::{Config, DefaultLabels, Labels};
pub use self::line::Format;

/// For the fuzz target: how many entries a payload becomes, in pieces of at most `most` bytes, to which Loki gives `answer`.
#[doc(hidden)]
pub fn probe(payload: &host_otlp::Payload, most: usize, answer: &str) -> u64 {
    let manner = Config::default().manner();
    let pushes = push::translate(&manner, payload, 1).pushes;
    let pieces = pushes.iter().flat_map(|push| cut::pieces(push, most));
    pieces
        .map(|piece| {
            let streams = cut::streams(&piece.body);
            answer::rejected(answer, &streams);
            streams.values().sum::<u64>()
        })
        .sum()
}

#[cfg(test)]
mod tests;
