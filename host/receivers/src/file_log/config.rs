//! What a user may write under `receivers: file_log:`. The keys and defaults are the Collector's where it has them.

use std::collections::BTreeMap;
use std::time::Duration;

use host_config::time::{duration, optional_duration};
use host_config::{Check, Refused, Wrong};
use schemars::JsonSchema;
use serde::Deserialize;

use super::finder;
use crate::entries::lines::Cut;
use crate::entries::settings::{
    Multiline, Operator, Retry, Size, TooLong, encoding_wrongs, fixed_wrongs, operator_wrongs,
};

/// The receiver's configuration.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub include: Vec<String>,
    pub exclude: Vec<String>,
    /// Files that were not written to for so long are passed over.
    #[serde(deserialize_with = "optional_duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub exclude_older_than: Option<Duration>,
    pub start_at: StartAt,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub poll_interval: Duration,
    /// Whether the operating system is asked to tell of changes, too.
    pub watch: Watch,
    pub fingerprint_size: Size,
    /// Taken for the Collector's sake: buffers are as large as they need to be.
    pub initial_buffer_size: Option<Size>,
    pub max_log_size: Size,
    pub max_log_size_behavior: TooLong,
    pub max_concurrent_files: usize,
    /// Taken for the Collector's sake: what is read at a time is bounded by bytes.
    pub max_batches: usize,
    #[serde(deserialize_with = "duration")]
    #[schemars(schema_with = "host_config::time::schema")]
    pub force_flush_period: Duration,
    pub encoding: String,
    pub preserve_leading_whitespaces: bool,
    pub preserve_trailing_whitespaces: bool,
    pub multiline: Option<Multiline>,
    pub compression: Compression,
    pub include_file_name: bool,
    pub include_file_path: bool,
    pub include_file_name_resolved: bool,
    pub include_file_path_resolved: bool,
    pub include_file_owner_name: Refused,
    pub include_file_owner_group_name: Refused,
    pub include_file_permissions: Refused,
    pub include_file_record_number: bool,
    pub include_file_record_offset: bool,
    /// The `file_storage` extension that keeps how far each file was read.
    pub storage: Option<String>,
    pub retry_on_failure: Retry,
    /// Taken for the Collector's sake: what was read of a file is remembered for as long as the file is there.
    pub polls_to_archive: usize,
    pub on_truncate: OnTruncate,
    pub attributes: BTreeMap<String, String>,
    pub resource: BTreeMap<String, String>,
    pub operators: Vec<Operator>,
    pub delete_after_read: Refused,
    pub acquire_fs_lock: Refused,
    pub file_cache_advise: Refused,
    pub ordering_criteria: Refused,
    pub header: Refused,
}

/// Where a file is begun that was there before the receiver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    Beginning,
    #[default]
    End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Watch {
    /// By inotify, and by looking now and then.
    #[default]
    Auto,
    /// By looking alone.
    Poll,
}

/// What becomes of a file that is shorter than it was and begins as it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnTruncate {
    #[default]
    Ignore,
    ReadWholeFile,
    ReadNew,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Compression {
    #[default]
    #[serde(rename = "")]
    None,
    #[serde(rename = "gzip")]
    Gzip,
    /// Files whose name ends in `.gz`.
    #[serde(rename = "auto")]
    Auto,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            include: Vec::new(),
            exclude: Vec::new(),
            exclude_older_than: None,
            start_at: StartAt::End,
            poll_interval: Duration::from_millis(200),
            watch: Watch::Auto,
            fingerprint_size: Size(1_000),
            initial_buffer_size: None,
            max_log_size: Size(1 << 20),
            max_log_size_behavior: TooLong::Split,
            max_concurrent_files: 1_024,
            max_batches: 0,
            force_flush_period: Duration::from_millis(500),
            encoding: "utf-8".to_owned(),
            preserve_leading_whitespaces: false,
            preserve_trailing_whitespaces: false,
            multiline: None,
            compression: Compression::None,
            include_file_name: true,
            include_file_path: false,
            include_file_name_resolved: false,
            include_file_path_resolved: false,
            include_file_owner_name: Refused::default(),
            include_file_owner_group_name: Refused::default(),
            include_file_permissions: Refused::default(),
            include_file_record_number: false,
            include_file_record_offset: false,
            storage: None,
            retry_on_failure: Retry::default(),
            polls_to_archive: 0,
            on_truncate: OnTruncate::Ignore,
            attributes: BTreeMap::new(),
            resource: BTreeMap::new(),
            operators: Vec::new(),
            delete_after_read: Refused::default(),
            acquire_fs_lock: Refused::default(),
            file_cache_advise: Refused::default(),
            ordering_criteria: Refused::default(),
            header: Refused::default(),
        }
    }
}

impl Config {
    /// How entries are cut out of what is read.
    pub(super) fn cut(&self) -> Cut<'_> {
        Cut {
            multiline: self.multiline.as_ref(),
            encoding: &self.encoding,
            max: self.max_log_size.0 as usize,
            too_long: self.max_log_size_behavior,
            keeps_leading: self.preserve_leading_whitespaces,
            keeps_trailing: self.preserve_trailing_whitespaces,
            keeps_parts: self.operators.first().is_some_and(|operator| operator.r#type == "container"),
        }
    }
}

impl Check for Config {
    fn wrongs(&self) -> Vec<Wrong> {
        const OWNER: &str = "it is not supported: take it out; who owns a file says nothing of its records";
        let log_size = !(1 << 10..=1 << 20).contains(&self.max_log_size.0);
        let mut wrongs = Wrong::among([
            ("include", self.include.is_empty(), "it has to name files, such as `/var/log/pods/*/*/*.log`"),
            ("poll_interval", self.poll_interval.is_zero(), "it has to be more than 0"),
            ("fingerprint_size", self.fingerprint_size.0 < 16, "it has to be at least 16 bytes"),
            ("fingerprint_size", self.fingerprint_size.0 > 65_536, "it may be 64 KiB at most"),
            ("max_log_size", log_size, "it has to lie between 1 KiB and 1 MiB"),
            ("max_concurrent_files", self.max_concurrent_files == 0, "it has to be at least 1"),
            ("include_file_owner_name", self.include_file_owner_name.0, OWNER),
            ("include_file_owner_group_name", self.include_file_owner_group_name.0, OWNER),
            ("include_file_permissions", self.include_file_permissions.0, OWNER),
            (
                "delete_after_read",
                self.delete_after_read.0,
                "it is not supported: files are only ever read; have logrotate remove them",
            ),
            ("acquire_fs_lock", self.acquire_fs_lock.0, "it is not supported: take it out; files are only ever read"),
            ("file_cache_advise", self.file_cache_advise.0, "it is not supported: take it out"),
            (
                "ordering_criteria",
                self.ordering_criteria.0,
                "it is not supported: narrow `include`; rotated files are read in order without it",
            ),
            (
                "header",
                self.header.0,
                "it is not supported: parse the first lines with a `regex_parser` that has an `if`",
            ),
        ]);
        for pattern in &self.include {
            wrongs.extend(finder::check(pattern).err().map(|error| Wrong::new("include", error)));
        }
        for pattern in &self.exclude {
            wrongs.extend(finder::check(pattern).err().map(|error| Wrong::new("exclude", error)));
        }
        wrongs.extend(encoding_wrongs("encoding", &self.encoding));
        wrongs.extend(self.multiline.iter().flat_map(|multiline| multiline.wrongs("multiline")));
        wrongs.extend(fixed_wrongs("attributes", &self.attributes));
        wrongs.extend(fixed_wrongs("resource", &self.resource));
        wrongs.extend(operator_wrongs(&self.operators));
        let wants_path = |o: &Operator| o.r#type == "container" && o.add_metadata_from_filepath.unwrap_or(true);
        if !self.include_file_path && self.operators.iter().any(wants_path) {
            let told = "`container` takes names from the file's path: write `include_file_path: true`, or \
                        `add_metadata_from_filepath: false` there";
            wrongs.push(Wrong::new("include_file_path", told));
        }
        wrongs
    }
}
