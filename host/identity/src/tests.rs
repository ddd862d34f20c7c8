//! What this crate promises: who is whom, what a claim is, and what becomes of one that does not hold.

mod rules;
mod verdicts;
mod words;

use crate::rules::Names;
use crate::{Config, OnViolation, Rule, Source, Speaker};

/// Somebody who may speak for these clusters.
fn speaker(clusters: &[&str], roles: Option<&[&str]>, on_violation: OnViolation) -> Speaker {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rule = Rule { of: "edge".to_owned(), clusters: owned(clusters), roles: roles.map(owned), ..Rule::default() };
    let config = Config { from: vec![Source::CommonName], rules: vec![rule], on_violation, ..Config::default() };
    let names = ["edge".to_owned()];
    config.build("identity").unwrap().speaker(&Names { common_names: &names, ..Names::default() }).unwrap()
}
