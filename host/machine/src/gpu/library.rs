//! The library of the driver, while it is there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_periodic::Missed;
use nvml_wrapper::Nvml;
use nvml_wrapper::error::NvmlError;

use super::xid::{Last, Listener};

/// Where the linker looks without a path.
const NAME: &str = "libnvidia-ml.so.1";

pub(super) struct Library {
    path: PathBuf,
    nvml: Option<Arc<Nvml>>,
    /// Holds the library, too.
    listener: Option<Listener>,
    /// Whether it was said that there is none.
    is_absence_told: bool,
}

/// What an error of the library means for what comes after it, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    /// The card, the driver or the library has no such thing.
    Unsupported,
    /// This question has failed.
    Failed,
    /// The card is gone until somebody sees to it.
    CardLost,
    /// The library does not fit the driver any more, or is not initialized.
    Stale,
}

pub(super) fn severity(error: &NvmlError) -> Severity {
    match error {
        NvmlError::NotSupported
        | NvmlError::NoData
        | NvmlError::NotFound
        | NvmlError::InvalidArg
        | NvmlError::FunctionNotFound
        | NvmlError::FailedToLoadSymbol(_) => Severity::Unsupported,
        NvmlError::GpuLost | NvmlError::ResetRequired => Severity::CardLost,
        NvmlError::Uninitialized | NvmlError::DriverNotLoaded | NvmlError::LibRmVersionMismatch => Severity::Stale,
        _ => Severity::Failed,
    }
}

impl Library {
    pub(super) fn new(path: Option<&Path>) -> Self {
        let path = path.map_or_else(|| PathBuf::from(NAME), Path::to_owned);
        Library { path, nvml: None, listener: None, is_absence_told: false }
    }

    /// The library, loaded where it was not; none where there is no driver here.
    ///
    /// # Errors
    /// Where there is one and it cannot be used.
    pub(super) fn open(&mut self) -> Result<Option<&Nvml>, Missed> {
        if self.nvml.is_none() {
            match Nvml::builder().lib_path(self.path.as_ref() as &OsStr).init() {
                Ok(nvml) => {
                    let driver = nvml.sys_driver_version().unwrap_or_default();
                    tracing::info!(library = %self.path.display(), driver, "GPUs are told: the driver of NVIDIA is here");
                    self.is_absence_told = false;
                    self.nvml = Some(Arc::new(nvml));
                }
                Err(error) => return self.absent(&error).map(|()| None),
            }
        }
        Ok(self.nvml.as_deref())
    }

    /// Has errors of cards be listened to while the library is loaded.
    pub(super) fn listen(&mut self, last: &Last) {
        let Some(nvml) = self.nvml.as_ref().filter(|_| self.listener.is_none()) else { return };
        match Listener::start(Arc::clone(nvml), last.clone()) {
            Ok(listener) => self.listener = Some(listener),
            Err(error) => {
                tracing::warn!(%error, "errors of GPUs (XID) are not told: there is no thread to listen for them");
            }
        }
    }

    /// Says once that there is none.
    fn absent(&mut self, error: &NvmlError) -> Result<(), Missed> {
        if !matches!(error, NvmlError::LibloadingError(_) | NvmlError::DriverNotLoaded | NvmlError::LibraryNotFound) {
            return Err(self.missed(error));
        }
        let library = self.path.display();
        if std::mem::replace(&mut self.is_absence_told, true) {
            tracing::debug!(%library, %error, "there is still no driver of NVIDIA here");
        } else {
            tracing::info!(
                %library,
                %error,
                "there is no driver of NVIDIA here, and no GPU is told; it is looked for at each interval"
            );
        }
        Ok(())
    }

    /// What is said of the library as a whole.
    pub(super) fn missed(&self, error: &NvmlError) -> Missed {
        let way_out = match severity(error) {
            Severity::Stale => {
                "it is loaded anew at the next interval; where that does not help, restart the machine or the driver"
            }
            _ => "see what `nvidia-smi` says on this machine, and let this process use the devices `/dev/nvidia*`",
        };
        Missed::new(self.path.display().to_string(), error.to_string(), way_out)
    }

    /// Lets go of it, so that the driver under it can be replaced; it is loaded anew when it is next asked for.
    pub(super) fn release(&mut self) {
        self.listener = None;
        if let Some(nvml) = self.nvml.take().and_then(Arc::into_inner)
            && let Err(error) = nvml.shutdown()
        {
            tracing::debug!(%error, "the library of the driver did not shut down");
        }
    }
}
