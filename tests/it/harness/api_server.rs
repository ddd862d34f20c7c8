//! An API server of Kubernetes as a collector meets it: what a real one answers for one node, for `kube-system` and for events, and
//! faults.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The name of its only node.
pub(crate) const NODE: &str = "edge-worker-1";
/// The UIDs of the node and of the namespace `kube-system`, as long as nobody changes them.
pub(crate) const NODE_UID: &str = "1f8ac2d6-7a0b-4c38-9d0e-2f6f0c0f5a11";
pub(crate) const CLUSTER_UID: &str = "6c9e3c52-58a6-4a2a-9be2-9d0d7d0b6f3e";

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    pub(crate) node: Answer,
    pub(crate) namespace: Answer,
    /// So many questions are answered with 503 first.
    pub(crate) busy: u32,
    /// What lists of events have; watches of them tell nothing.
    pub(crate) events: Vec<Value>,
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Uid(String),
    Forbidden,
    NotFound,
    Broken,
    /// The question is taken, and that is all.
    Never,
}

impl Default for Answers {
    fn default() -> Self {
        Answers {
            node: Answer::Uid(NODE_UID.to_owned()),
            namespace: Answer::Uid(CLUSTER_UID.to_owned()),
            busy: 0,
            events: Vec::new(),
        }
    }
}

/// The server; it ends when it is dropped.
pub(crate) struct ApiServer {
    address: SocketAddr,
    answers: Arc<Mutex<Answers>>,
    questions: Arc<Mutex<Vec<String>>>,
    server: JoinHandle<()>,
}

impl ApiServer {
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Arc::new(Mutex::new(answers));
        let questions: Arc<Mutex<Vec<String>>> = Arc::default();
        let (shared, asked) = (Arc::clone(&answers), Arc::clone(&questions));
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&shared), Arc::clone(&asked)));
            }
        });
        ApiServer { address, answers, questions, server }
    }

    /// A kubeconfig that leads to it, with a token.
    pub(crate) fn kubeconfig(&self) -> String {
        kubeconfig(self.address)
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    /// The head of each question.
    pub(crate) fn questions(&self) -> Vec<String> {
        self.questions.lock().unwrap().clone()
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// A kubeconfig whose cluster is at `address`.
pub(crate) fn kubeconfig(address: SocketAddr) -> String {
    format!(
        "{{ apiVersion: v1, kind: Config, current-context: edge, \
         contexts: [{{ name: edge, context: {{ cluster: edge, user: agent }} }}], \
         clusters: [{{ name: edge, cluster: {{ server: 'http://{address}' }} }}], \
         users: [{{ name: agent, user: {{ token: sesame }} }}] }}"
    )
}

/// Answers the questions of one connection.
async fn serve(mut stream: TcpStream, answers: Arc<Mutex<Answers>>, questions: Arc<Mutex<Vec<String>>>) {
    let (reader, mut writer) = stream.split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).await.unwrap_or_default() == 0 {
                return;
            }
        }
        questions.lock().unwrap().push(head.clone());
        let Some((code, body)) = answer(&head, &mut answers.lock().unwrap()) else {
            // Until the asker has had enough.
            let _ = reader.read_u8().await;
            return;
        };
        let body = body.to_string();
        let length = body.len();
        let head = format!("HTTP/1.1 {code} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        if writer.write_all((head + &body).as_bytes()).await.is_err() {
            return;
        }
    }
}

fn answer(head: &str, answers: &mut Answers) -> Option<(u16, Value)> {
    if answers.busy > 0 {
        answers.busy -= 1;
        return Some(failure(503, "ServiceUnavailable", "the server is currently unable to handle the request"));
    }
    let path = head.split(' ').nth(1).unwrap_or_default();
    if path.starts_with("/api/v1/events?") {
        let list = json!({
            "kind": "EventList", "apiVersion": "v1", "metadata": { "resourceVersion": "900" }, "items": answers.events,
        });
        return (!path.contains("watch=")).then_some((200, list));
    }
    let (answer, kind, name) = match path.trim_end_matches('?') {
        "/api/v1/nodes/edge-worker-1" => (answers.node.clone(), "nodes", NODE),
        "/api/v1/namespaces/kube-system" => (answers.namespace.clone(), "namespaces", "kube-system"),
        other => panic!("nobody asks for {other}"),
    };
    match answer {
        Answer::Uid(uid) => Some((200, metadata(name, &uid))),
        Answer::Forbidden => {
            let message = format!(
                "{kind} \"{name}\" is forbidden: User \"system:serviceaccount:observability:tidegate\" cannot get \
                 resource \"{kind}\" in API group \"\" at the cluster scope"
            );
            Some(failure(403, "Forbidden", &message))
        }
        Answer::NotFound => Some(failure(404, "NotFound", &format!("{kind} \"{name}\" not found"))),
        Answer::Broken => Some(failure(500, "InternalError", "etcdserver: request timed out")),
        Answer::Never => None,
    }
}

/// What an API server answers, in its shape, to `Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1`.
fn metadata(name: &str, uid: &str) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {
            "name": name,
            "uid": uid,
            "resourceVersion": "419",
            "creationTimestamp": "2026-03-02T09:14:07Z",
            "labels": { "kubernetes.io/metadata.name": name },
            "managedFields": [{
                "manager": "kube-apiserver",
                "operation": "Update",
                "apiVersion": "v1",
                "time": "2026-03-02T09:14:07Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": { "f:metadata": { "f:labels": { ".": {}, "f:kubernetes.io/metadata.name": {} } } }
            }]
        }
    })
}

fn failure(code: u16, reason: &str, message: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code
    });
    (code, status)
}
