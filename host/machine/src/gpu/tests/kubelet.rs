//! A kubelet that says which container has which card.

use std::path::Path;

use http::uri::PathAndQuery;
use tokio::net::UnixListener;
use tonic::body::Body;
use tonic::codegen::tokio_stream::Stream;
use tonic::codegen::{BoxFuture, Service, http as wire};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::super::card::{Identity, Instance};
use super::super::pods::{Container, Devices, ListRequest, ListResponse, Owners, Pod};
use super::standin::{Standin, next};
use crate::testing::{lines, of};

fn pod(name: &str, container: &str, resource: &str, ids: &[&str]) -> Pod {
    let devices =
        Devices { resource_name: resource.to_owned(), device_ids: ids.iter().map(|id| (*id).to_owned()).collect() };
    let containers = vec![Container { name: container.to_owned(), devices: vec![devices] }];
    Pod { name: name.to_owned(), namespace: "shop".to_owned(), containers }
}

fn owners(pods: Vec<Pod>) -> Owners {
    Owners::of(ListResponse { pod_resources: pods })
}

fn card(uuid: &str, minor: u32) -> Identity {
    Identity { uuid: uuid.to_owned(), minor: Some(minor), ..Identity::default() }
}

#[test]
fn a_card_is_known_by_its_uuid_or_its_file_and_an_instance_by_its_uuid() {
    let owners = owners(vec![
        pod("bert", "server", "nvidia.com/gpu", &["GPU-1"]),
        pod("llama", "main", "nvidia.com/gpu", &["nvidia4"]),
        pod("tiny", "main", "nvidia.com/mig-1g.5gb", &["MIG-7"]),
        pod("nic", "main", "example.com/nic", &["GPU-9"]),
    ]);
    let of_card = |uuid: &str, minor| owners.of_card(&card(uuid, minor)).map(|owner| owner.pod.clone());
    assert_eq!(of_card("GPU-1", 0).as_deref(), Some("bert"));
    assert_eq!(of_card("GPU-2", 4).as_deref(), Some("llama"));
    assert_eq!(of_card("GPU-9", 5), None, "the device of somebody else");
    let instance = Instance { uuid: "MIG-7".to_owned(), profile: String::new(), memory: None };
    assert_eq!(owners.of_instance(&instance).map(|owner| owner.container.as_str()), Some("main"));
}

#[test]
fn a_card_that_is_shared_in_time_is_nobodys_but_that_of_one_container() {
    let one = owners(vec![pod("bert", "server", "nvidia.com/gpu.shared", &["GPU-1::0", "GPU-1::1"])]);
    assert_eq!(one.of_card(&card("GPU-1", 0)).map(|owner| owner.pod.as_str()), Some("bert"));
    let two = owners(vec![
        pod("bert", "server", "nvidia.com/gpu.shared", &["GPU-1::0"]),
        pod("llama", "main", "nvidia.com/gpu.shared", &["GPU-1::1"]),
    ]);
    assert_eq!(two.of_card(&card("GPU-1", 0)), None);
}

/// Answers every question with this.
#[derive(Clone)]
struct Kubelet(Result<ListResponse, Status>);

impl NamedService for Kubelet {
    const NAME: &'static str = "v1.PodResourcesLister";
}

impl UnaryService<ListRequest> for Kubelet {
    type Response = ListResponse;
    type Future = BoxFuture<Response<ListResponse>, Status>;

    fn call(&mut self, _: Request<ListRequest>) -> Self::Future {
        let answer = self.0.clone().map(Response::new);
        Box::pin(async move { answer })
    }
}

impl Service<wire::Request<Body>> for Kubelet {
    type Response = wire::Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: wire::Request<Body>) -> Self::Future {
        assert_eq!(request.uri().path_and_query(), Some(&PathAndQuery::from_static("/v1.PodResourcesLister/List")));
        let answer = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(answer, request).await) })
    }
}

/// Each connection of a socket.
struct Incoming(UnixListener);

impl Stream for Incoming {
    type Item = std::io::Result<tokio::net::UnixStream>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_accept(context).map(|accepted| Some(accepted.map(|(stream, _)| stream)))
    }
}

fn serve(socket: &Path, answer: Result<ListResponse, Status>) -> tokio::task::JoinHandle<()> {
    let listener = UnixListener::bind(socket).unwrap();
    let server = tonic::transport::Server::builder().add_service(Kubelet(answer));
    tokio::spawn(async move { server.serve_with_incoming(Incoming(listener)).await.unwrap() })
}

#[tokio::test]
async fn points_say_which_container_has_the_card() {
    let standin = Standin::new();
    let pods = vec![
        pod("bert-0", "server", "nvidia.com/gpu", &["GPU-00000000"]),
        pod("tiny-0", "main", "nvidia.com/mig-1g.5gb", &["MIG-0000000a"]),
    ];
    let kubelet = serve(&standin.beside("kubelet.sock"), Ok(ListResponse { pod_resources: pods }));
    let told = standin.collect("names: both").await;
    let power = of(&told, "hw.power [W] gauge {");
    assert!(
        power[0].ends_with("k8s.namespace.name=shop k8s.pod.name=bert-0 k8s.container.name=server} 71.5"),
        "{power:?}"
    );
    assert!(!power[1].contains("k8s."), "nobody has the other card as a whole: {power:?}");
    let used = of(&told, "DCGM_FI_DEV_FB_USED [] gauge {");
    assert!(used[0].ends_with("container=server namespace=shop pod=bert-0} 6144"), "{used:?}");
    assert!(used.iter().any(|line| line.ends_with("container=main namespace=shop pod=tiny-0} 1216")), "{used:?}");
    kubelet.abort();
}

#[tokio::test]
async fn a_kubelet_that_refuses_is_missed_and_the_cards_are_told_all_the_same() {
    let standin = Standin::new();
    let kubelet = serve(&standin.beside("kubelet.sock"), Err(Status::unavailable("it starts")));
    let collected = next(&mut standin.receiver("")).await.unwrap();
    let missed = &collected.parts[0].missed;
    assert_eq!((missed.len(), missed[0].problem.as_str(), missed[0].points), (1, "it starts", 0));
    assert!(missed[0].way_out.contains("`pod_resources.enabled`"));
    assert!(!lines(&collected).is_empty());
    kubelet.abort();
}

#[tokio::test]
async fn a_socket_where_nobody_listens_is_missed_and_none_at_all_is_not() {
    let standin = Standin::new();
    let socket = standin.beside("kubelet.sock");
    let mut receiver = standin.receiver("");
    assert!(next(&mut receiver).await.unwrap().parts[0].missed.is_empty());
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert_eq!(next(&mut receiver).await.unwrap().parts[0].missed[0].place, socket.display().to_string());
}
