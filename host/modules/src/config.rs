//! The top-level section `modules`, as the user writes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use host_config::{Check, Wrong};
use host_kubernetes::{Access, AuthType, Server};
use host_manifest::PublicKeys;
use host_wasm::{GrantsConfig, ModulesConfig, ModulesLimits, QuarantineConfig};
use schemars::JsonSchema;
use serde::Deserialize;

/// The top-level section `modules`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ModulesSection {
    /// The folder of `<name>.wasm` files, watched; none where it is not set.
    pub folder: Option<PathBuf>,
    /// Where native code is kept; the user's cache directory where it is not set.
    pub cache: Option<PathBuf>,
    /// What each module may read and write, by name.
    pub grants: BTreeMap<String, GrantsConfig>,
    /// Where items go that no module can process.
    pub quarantine: QuarantineConfig,
    /// What is fixed at start for all modules together.
    pub limits: ModulesLimits,
    /// Where modules are pushed to, for processors with `source: kubernetes`.
    pub kubernetes: Option<KubernetesConfig>,
    /// Whose modules are taken of those that are pushed.
    pub trust: TrustConfig,
}

/// The API server that modules are pushed to.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KubernetesConfig {
    pub auth_type: AuthType,
    /// The context of the kubeconfig, where it is not the current one.
    pub context: Option<String>,
    /// Where the modules lie; the namespace of the pod where it is not set.
    pub namespace: Option<String>,
    /// The pod that this runs in, which is told what has become of the modules; nothing is told where it is not set.
    pub pod: Option<String>,
    /// A folder that outlives this process: what was good last is there, and which revisions were seen.
    pub storage: PathBuf,
    /// What becomes of a module whose head was deleted.
    pub on_delete: OnDelete,
}

/// What becomes of a module whose head was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// It runs on.
    #[default]
    Keep,
    /// It is unloaded, and what it was to process is refused.
    Refuse,
}

/// Whose modules are taken of those that are pushed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrustConfig {
    /// Files with public keys in PEM, each with one.
    pub keys: Vec<PathBuf>,
    /// Whether what nobody has signed is refused: so it is where there are keys, unless this says otherwise.
    pub required: Option<bool>,
}

impl ModulesSection {
    /// As far as the sandbox is concerned.
    pub fn sandbox(&self) -> ModulesConfig {
        ModulesConfig {
            folder: self.folder.clone(),
            cache: self.cache.clone(),
            grants: self.grants.clone(),
            quarantine: self.quarantine.clone(),
            limits: self.limits.clone(),
            has_shelf: self.kubernetes.is_some(),
        }
    }
}

impl KubernetesConfig {
    /// How the server is asked.
    pub fn server(&self) -> Server {
        Server::As(Access { auth_type: self.auth_type, context: self.context.clone(), ..Access::default() })
    }
}

impl TrustConfig {
    pub(crate) fn is_required(&self) -> bool {
        self.required.unwrap_or(!self.keys.is_empty())
    }

    /// Reads the keys; relative paths start from `base`.
    ///
    /// # Errors
    /// Which one cannot be used, and why.
    pub(crate) fn read(&self, base: &Path) -> Result<PublicKeys, Wrong> {
        let mut keys = PublicKeys::default();
        for (at, path) in self.keys.iter().enumerate() {
            let path = base.join(path);
            let told =
                |problem: String| Wrong::new(format!("trust.keys.{at}"), format!("{}: {problem}", path.display()));
            let pem = std::fs::read_to_string(&path).map_err(|error| told(error.to_string()))?;
            keys.add(&pem).map_err(|error| told(error.to_string()))?;
        }
        Ok(keys)
    }
}

impl Check for ModulesSection {
    fn wrongs(&self) -> Vec<Wrong> {
        let mut wrongs = self.sandbox().wrongs();
        let is_required_of_nobody = self.trust.required == Some(true) && self.trust.keys.is_empty();
        wrongs.extend(Wrong::among([(
            "trust.required",
            is_required_of_nobody,
            "nobody's signature would do: name the files of public keys in `trust.keys`",
        )]));
        let Some(kubernetes) = &self.kubernetes else { return wrongs };
        let is_context_idle = kubernetes.context.is_some() && kubernetes.auth_type != AuthType::KubeConfig;
        wrongs.extend(Wrong::among([
            ("kubernetes.context", is_context_idle, "it is for `auth_type: kubeConfig`: write that, or take it out"),
            (
                "kubernetes.storage",
                kubernetes.storage.as_os_str().is_empty(),
                "it is missing: name a folder that outlives the process, where what was good last is kept",
            ),
        ]));
        wrongs
    }
}
