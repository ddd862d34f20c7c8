//! One rule of relabeling, as it is written.

use host_config::Wrong;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::relabel::anchored;

/// What a rule does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    #[default]
    Replace,
    Keep,
    Drop,
    HashMod,
    LabelMap,
    LabelDrop,
    LabelKeep,
    Lowercase,
    Uppercase,
    KeepEqual,
    DropEqual,
}

/// A rule, with Prometheus' keys and defaults.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RelabelConfig {
    /// The labels whose values are joined.
    pub source_labels: Vec<String>,
    /// What stands between them.
    pub separator: String,
    /// What the joined values are to match as a whole.
    pub regex: String,
    /// What the hash is divided by.
    pub modulus: u64,
    pub target_label: String,
    /// What the label is set to; `$1` is the first group.
    pub replacement: String,
    pub action: Action,
}

impl Default for RelabelConfig {
    fn default() -> Self {
        RelabelConfig {
            source_labels: Vec::new(),
            separator: ";".to_owned(),
            regex: "(.*)".to_owned(),
            modulus: 0,
            target_label: String::new(),
            replacement: "$1".to_owned(),
            action: Action::Replace,
        }
    }
}

impl RelabelConfig {
    /// What makes no sense, with keys below the rule.
    pub(crate) fn wrongs(&self) -> Vec<Wrong> {
        let has_target = matches!(
            self.action,
            Action::Replace
                | Action::HashMod
                | Action::Lowercase
                | Action::Uppercase
                | Action::KeepEqual
                | Action::DropEqual
        );
        let plain = RelabelConfig::default();
        let is_equal = matches!(self.action, Action::KeepEqual | Action::DropEqual);
        let by_name = matches!(self.action, Action::LabelDrop | Action::LabelKeep);
        let has_more = self.regex != plain.regex
            || self.separator != plain.separator
            || self.modulus != 0
            || self.replacement != plain.replacement;
        let by_name_more = !self.source_labels.is_empty()
            || !self.target_label.is_empty()
            || self.separator != plain.separator
            || self.modulus != 0
            || self.replacement != plain.replacement;
        let is_template = self.target_label.contains('$');
        let mut wrongs = Wrong::among([
            (
                "target_label",
                has_target && self.target_label.is_empty(),
                "it is missing: this action needs the label that it sets or compares with",
            ),
            (
                "target_label",
                is_template && self.action != Action::Replace,
                "only `replace` takes a `$` here: name the label",
            ),
            ("modulus", self.action == Action::HashMod && self.modulus == 0, "`hashmod` needs one that is not 0"),
            (
                "action",
                is_equal && has_more,
                "this action takes `source_labels` and `target_label` only: take the other keys out",
            ),
            ("action", by_name && by_name_more, "this action takes `regex` only: take the other keys out"),
        ]);
        wrongs.extend(anchored(&self.regex).err().map(|error| Wrong::new("regex", error)));
        wrongs
    }
}
