//! A library that does as it is told, built of `tests/nvml/nvml.c`; each test has a copy of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use host_periodic::{Collect as _, Collected, Missed};
use tempfile::TempDir;

use super::super::Config;
use super::super::receiver::Gpu;
use crate::testing::{lines, section};

/// The library, built once.
fn built() -> &'static Path {
    static BUILT: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = BUILT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("built.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/nvml/nvml.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&path).arg(source).status().unwrap();
        assert!(built.success());
        (folder, path)
    });
    path
}

pub(super) struct Standin {
    folder: TempDir,
}

impl Standin {
    /// A machine with a driver.
    pub(super) fn new() -> Self {
        let standin = Standin::without_driver();
        standin.install();
        standin
    }

    pub(super) fn without_driver() -> Self {
        Standin { folder: tempfile::tempdir().unwrap() }
    }

    pub(super) fn install(&self) {
        std::fs::copy(built(), self.library()).unwrap();
    }

    pub(super) fn library(&self) -> PathBuf {
        self.folder.path().join("libnvidia-ml.so.1")
    }

    pub(super) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// From now on it does this.
    pub(super) fn says(&self, word: &str) {
        std::fs::write(self.beside("libnvidia-ml.so.1.says"), word).unwrap();
    }

    /// How often it was initialized and shut down.
    pub(super) fn log(&self) -> String {
        std::fs::read_to_string(self.beside("libnvidia-ml.so.1.log")).unwrap_or_default().replace('\n', " ")
    }

    /// A receiver with these keys, which are YAML.
    pub(super) fn receiver(&self, keys: &str) -> Gpu {
        let socket = self.beside("kubelet.sock");
        let text = format!(
            "{{library_path: '{}', hostname: node-1, pod_resources: {{socket: '{}'}}, {keys}}}",
            self.library().display(),
            socket.display()
        );
        section::<Config>(&text).made()
    }

    pub(super) async fn collect(&self, keys: &str) -> Vec<String> {
        let collected = self.receiver(keys).collect().await.unwrap();
        assert!(collected.parts[0].missed.is_empty(), "{:?}", collected.parts[0].missed);
        lines(&collected)
    }
}

pub(super) async fn next(receiver: &mut Gpu) -> Result<Collected, Missed> {
    receiver.collect().await
}
