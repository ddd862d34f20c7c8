//! `tidegate module`: the tools of those who write modules, as these type them.

mod bench;
mod cases;
mod changes;
mod inspect;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::tidegate;

/// A folder that commands are typed in.
struct Folder(TempDir);

/// What a command printed, and what it ended with.
#[derive(Debug)]
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    #[must_use]
    fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path().join(path)).unwrap()
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// `tidegate module …`, with the words apart by spaces, and time for machines that have much to do.
    fn module(&self, line: &str) -> Said {
        self.module_with(concat!(env!("CARGO_TARGET_TMPDIR"), "/authors"), line)
    }

    /// The same, with native code kept in this folder.
    fn module_with(&self, cache: &str, line: &str) -> Said {
        let runs_it = !line.starts_with("new ") && !line.starts_with("build");
        let limits: &[&str] = if runs_it { &["--timeout", "5s"] } else { &[] };
        let output = tidegate()
            .arg("module")
            .args(line.split(' '))
            .args(limits)
            .current_dir(self.path())
            .env_remove("NO_COLOR")
            .env("XDG_CACHE_HOME", cache)
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// What was printed, where all went well.
    #[track_caller]
    fn fine(self) -> String {
        assert_eq!(self.code, Some(0), "{self:?}");
        self.out
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.fine()).unwrap()
    }

    /// What was told as an error, with this exit code.
    #[track_caller]
    fn error(self, code: i32) -> String {
        assert_eq!(self.code, Some(code), "{self:?}");
        let at = self.err.find("error:").unwrap_or_else(|| panic!("{self:?}"));
        self.err[at..].to_owned()
    }
}

/// A request of one record for each body, each with an address in an attribute.
fn logs(bodies: &[&str]) -> String {
    let record = |body: &&str| {
        serde_json::json!({
            "severityNumber": 9,
            "body": { "stringValue": body },
            "attributes": [
                { "key": "user.email", "value": { "stringValue": "ada@example.com" } },
                { "key": "n", "value": { "intValue": "7" } },
            ],
        })
    };
    let records: Vec<Value> = bodies.iter().map(record).collect();
    let service = serde_json::json!([{ "key": "service.name", "value": { "stringValue": "cart" } }]);
    let resource = serde_json::json!({ "attributes": service });
    serde_json::json!({ "resourceLogs": [{ "resource": resource, "scopeLogs": [{ "logRecords": records }] }] })
        .to_string()
}
