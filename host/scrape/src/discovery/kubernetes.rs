//! Targets that the API server of Kubernetes tells of. What is followed depends on the role: endpoints are told with their
//! services and pods, and nodes and namespaces where the section asks for what they say.

mod labels;
mod store;

use std::fmt::Debug;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use host_component::Shutdown;
use host_config::Wrong;
use host_kubernetes::{Api, ApiError, Scope, Seen, Server};
use k8s_openapi::api::core::v1::{Endpoints, Namespace, Node, Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use k8s_openapi::api::networking::v1::Ingress;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use self::store::{Followed, Store};
use super::{Deps, Told};
use crate::config::{KubernetesRole, KubernetesSdConfig};
use crate::counts::Counts;

/// Changes within this time are told at once.
const GATHER: Duration = Duration::from_secs(5);
/// The pauses after which a server that failed is asked again.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);
/// Where the namespace of the pod stands.
const OWN: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

pub(crate) struct KubernetesDiscovery {
    server: Server,
    role: KubernetesRole,
    /// All where there is none.
    namespaces: Vec<Option<String>>,
    follows: Vec<Follow>,
    shared: Arc<Shared>,
}

/// What those who follow have in common.
struct Shared {
    owner: String,
    counts: Arc<Counts>,
    store: Mutex<Store>,
    changed: Notify,
    /// Listings that are still to be made before anything is told.
    missing: Mutex<usize>,
}

/// One kind of objects, with its selectors.
#[derive(Clone, Debug)]
struct Follow {
    kind: Kind,
    labels: Option<String>,
    fields: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pods,
    Services,
    Endpoints,
    Slices,
    Ingresses,
    Nodes,
    Namespaces,
}

impl KubernetesDiscovery {
    pub(crate) fn new(config: &KubernetesSdConfig, deps: &Deps<'_>) -> Result<Self, Wrong> {
        let server = match (config.api_server.as_str(), &config.kubeconfig_file) {
            ("", path) if path.as_os_str().is_empty() => Server::Cluster,
            ("", path) => Server::KubeConfig(deps.base.join(path)),
            (address, _) => {
                let uri = crate::http::address(address);
                Server::At(uri.ok_or_else(|| Wrong::new("api_server", "it is no address"))?)
            }
        };
        let mut namespaces: Vec<Option<String>> = config.namespaces.names.iter().cloned().map(Some).collect();
        if config.namespaces.own_namespace {
            namespaces.push(Some(own_namespace(Path::new(OWN))?));
        }
        if namespaces.is_empty() {
            namespaces.push(None);
        }
        let (nodes, of_namespaces) = (config.attach_metadata.node, config.attach_metadata.namespace);
        let kinds = match config.role {
            KubernetesRole::Pod => vec![Kind::Pods],
            KubernetesRole::Service => vec![Kind::Services],
            KubernetesRole::Endpoints => vec![Kind::Endpoints, Kind::Services, Kind::Pods],
            KubernetesRole::EndpointSlice => vec![Kind::Slices, Kind::Services, Kind::Pods],
            KubernetesRole::Node => vec![Kind::Nodes],
            KubernetesRole::Ingress => vec![Kind::Ingresses],
        };
        let more = [(Kind::Nodes, nodes && config.role != KubernetesRole::Node), (Kind::Namespaces, of_namespaces)];
        let kinds = kinds.into_iter().chain(more.into_iter().filter(|(_, is)| *is).map(|(kind, _)| kind));
        let follow = |kind: Kind| {
            let selector = config.selectors.iter().find(|selector| selector.role.name() == kind.role());
            let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
            Follow {
                kind,
                labels: selector.and_then(|selector| some(&selector.label)),
                fields: selector.and_then(|selector| some(&selector.field)),
            }
        };
        let follows: Vec<Follow> = kinds.map(follow).collect();
        let missing = follows.iter().map(|f| if f.kind.is_of_cluster() { 1 } else { namespaces.len() }).sum();
        let shared = Shared {
            owner: deps.owner.to_owned(),
            counts: Arc::clone(deps.counts),
            store: Mutex::default(),
            changed: Notify::new(),
            missing: Mutex::new(missing),
        };
        Ok(KubernetesDiscovery { server, role: config.role, namespaces, follows, shared: Arc::new(shared) })
    }

    pub(super) async fn run(self, told: watch::Sender<Told>, mut shutdown: Shutdown) {
        let KubernetesDiscovery { server, role, namespaces, follows, shared } = self;
        let mut following = JoinSet::new();
        for Follow { kind, labels, fields } in follows {
            let namespaces = if kind.is_of_cluster() { vec![None] } else { namespaces.clone() };
            for namespace in namespaces {
                let scope = Scope { namespace, labels: labels.clone(), fields: fields.clone() };
                following.spawn(follow(Arc::clone(&shared), server.clone(), kind, scope));
            }
        }
        loop {
            tokio::select! {
                () = shared.changed.notified() => {}
                () = shutdown.wait() => return,
            }
            if *lock(&shared.missing) > 0 {
                continue;
            }
            let groups = lock(&shared.store).groups(role);
            if told.borrow().as_deref() != Some(&groups) {
                told.send_replace(Some(Arc::new(groups)));
            }
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = shutdown.wait() => return,
            }
        }
    }
}

impl Kind {
    /// The role whose objects these are, as selectors name it.
    fn role(self) -> &'static str {
        match self {
            Kind::Pods => "pod",
            Kind::Services => "service",
            Kind::Endpoints => "endpoints",
            Kind::Slices => "endpointslice",
            Kind::Ingresses => "ingress",
            Kind::Nodes => "node",
            Kind::Namespaces => "namespace",
        }
    }

    fn is_of_cluster(self) -> bool {
        matches!(self, Kind::Nodes | Kind::Namespaces)
    }
}

/// How far somebody is who follows.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// Whether all objects have come since it was begun anew, and ever.
    is_listed: bool,
    was_listed: bool,
}

/// Follows objects for as long as somebody listens: what fails is asked again.
async fn follow(shared: Arc<Shared>, server: Server, kind: Kind, scope: Scope) {
    let mut pause = FIRST;
    let mut progress = Progress::default();
    loop {
        progress.is_listed = false;
        let followed = once(&shared, &server, kind, &scope, &mut progress).await;
        if progress.is_listed {
            pause = FIRST;
        }
        if let Err(error) = followed {
            shared.counts.discovery_failures.inc();
            let Shared { owner, .. } = &*shared;
            tracing::warn!(receiver = owner, kind = kind.role(), %error, "objects of Kubernetes are not told; what was told before stays");
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

async fn once(
    shared: &Arc<Shared>,
    server: &Server,
    kind: Kind,
    scope: &Scope,
    progress: &mut Progress,
) -> Result<(), ApiError> {
    let api: Api = server.api().await?;
    macro_rules! in_namespaces {
        ($of:ty) => {
            api.follow::<$of>(scope, |seen| see(shared, scope, seen, progress)).await.map(|never| match never {})
        };
    }
    macro_rules! of_cluster {
        ($of:ty) => {
            api.follow_of_cluster::<$of>(scope, |seen| see(shared, scope, seen, progress))
                .await
                .map(|never| match never {})
        };
    }
    match kind {
        Kind::Pods => in_namespaces!(Pod),
        Kind::Services => in_namespaces!(Service),
        Kind::Endpoints => in_namespaces!(Endpoints),
        Kind::Slices => in_namespaces!(EndpointSlice),
        Kind::Ingresses => in_namespaces!(Ingress),
        Kind::Nodes => of_cluster!(Node),
        Kind::Namespaces => of_cluster!(Namespace),
    }
}

/// Takes what was seen into the store.
fn see<K: Followed + Debug>(shared: &Arc<Shared>, scope: &Scope, seen: Seen<K>, progress: &mut Progress) {
    let mut store = lock(&shared.store);
    let objects = K::of(&mut store);
    match seen {
        Seen::Begin => {
            objects.begin(scope.namespace.as_deref());
            return;
        }
        Seen::There(object) => {
            objects.put(scope.namespace.as_deref(), object);
            if !progress.is_listed {
                return;
            }
        }
        Seen::Gone(object) => objects.remove(object),
        Seen::All => {
            objects.end(scope.namespace.as_deref());
            progress.is_listed = true;
            if !std::mem::replace(&mut progress.was_listed, true) {
                *lock(&shared.missing) -= 1;
            }
        }
    }
    drop(store);
    shared.changed.notify_one();
}

/// The namespace that the pod is in.
fn own_namespace(path: &Path) -> Result<String, Wrong> {
    let wrong = |error: std::io::Error| {
        Wrong::new("namespaces.own_namespace", format!("cannot read {}: {error}: name it in `names`", path.display()))
    };
    let bytes = host_tls::read(path).map_err(wrong)?;
    Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
