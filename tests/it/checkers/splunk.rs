//! Splunk's HTTP event collector as its manual describes it: tokens, channels, the shapes of events and of metrics, sizes,
//! the codes of its errors, and acknowledgement by an indexer.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::http::{Asked, Reply, Server};
use super::json::Members;

/// The token that it knows.
pub(crate) const TOKEN: &str = "5f2b1c1e-0d2c-4d8e-9a51-6a7d0c9d1e11";

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// The most bytes of a request.
    pub(crate) max_content_length: usize,
    /// Whether requests are acknowledged, and have to name a channel for that.
    pub(crate) with_acks: bool,
    /// Whether what was taken is indexed.
    pub(crate) is_indexing: bool,
    /// So many requests with data are answered with this status first, and with this time to wait.
    pub(crate) busy: (usize, u16, Option<u64>),
    pub(crate) is_healthy: bool,
}

impl Default for Manner {
    fn default() -> Self {
        Manner {
            max_content_length: 2 << 20,
            with_acks: false,
            is_indexing: true,
            busy: (0, 503, None),
            is_healthy: true,
        }
    }
}

/// Everything that it saw so far.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// Events as they came.
    pub(crate) events: Vec<Value>,
    /// The names of the members of each event, in their order.
    pub(crate) members: Vec<Vec<String>>,
    /// Lines of raw data, with the parameters of their request.
    pub(crate) lines: Vec<(String, BTreeMap<String, String>)>,
    /// The body of each request that was taken, before it was compressed.
    pub(crate) bodies: Vec<String>,
    /// The headers of each request with data, taken or not.
    pub(crate) headers: Vec<BTreeMap<String, String>>,
    /// Why requests were refused.
    pub(crate) refused: Vec<String>,
    /// How often it was asked what is indexed, and how often how it does.
    pub(crate) queries: usize,
    pub(crate) checks: usize,
    /// By channel, the numbers that were given and not yet told to be indexed.
    pending: BTreeMap<String, BTreeSet<u64>>,
    next: u64,
}

/// The server; it ends when it is dropped.
pub(crate) struct Splunk {
    server: Server,
    manner: Arc<Mutex<Manner>>,
    taken: Arc<Mutex<Taken>>,
}

impl Splunk {
    pub(crate) async fn start(manner: Manner) -> Self {
        let (manner, taken) = (Arc::new(Mutex::new(manner)), Arc::new(Mutex::new(Taken::default())));
        let (how, kept) = (Arc::clone(&manner), Arc::clone(&taken));
        let server =
            Server::start(move |asked| answer(&asked, &mut how.lock().unwrap(), &mut kept.lock().unwrap())).await;
        Splunk { server, manner, taken }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Manner)) {
        change(&mut self.manner.lock().unwrap());
    }

    /// Looks at what was taken.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Taken) -> T) -> T {
        look(&self.taken.lock().unwrap())
    }
}

/// An error with its number in Splunk's manual.
struct Wrong {
    status: u16,
    code: u32,
    text: &'static str,
    /// Which event it is about.
    event: Option<usize>,
    why: String,
}

impl Wrong {
    fn new(status: u16, code: u32, text: &'static str) -> Self {
        Wrong { status, code, text, event: None, why: String::new() }
    }

    fn because(self, why: impl Into<String>) -> Self {
        Wrong { why: why.into(), ..self }
    }

    fn reply(&self) -> Reply {
        let mut body = json!({ "text": self.text, "code": self.code });
        if let Some(event) = self.event {
            body["invalid-event-number"] = event.into();
        }
        Reply::json(self.status, &body)
    }
}

fn answer(asked: &Asked, manner: &mut Manner, taken: &mut Taken) -> Reply {
    let result =
        match (asked.method.as_str(), asked.path.as_str()) {
            ("GET", "/services/collector/health" | "/services/collector/health/1.0") => health(asked, manner, taken),
            ("POST", "/services/collector" | "/services/collector/event" | "/services/collector/event/1.0") => {
                data(asked, manner, taken, events)
            }
            ("POST", "/services/collector/raw" | "/services/collector/raw/1.0") => data(asked, manner, taken, lines),
            ("POST", "/services/collector/ack") => acks(asked, manner, taken),
            (method, path) => Err(Wrong::new(404, 404, "The requested URL was not found on this server.")
                .because(format!("{method} {path}"))),
        };
    result.unwrap_or_else(|wrong| {
        taken.refused.push(format!("{} {}: {}", wrong.status, wrong.text, wrong.why));
        wrong.reply()
    })
}

fn authorized(asked: &Asked) -> Result<(), Wrong> {
    match asked.headers.get("authorization").map(String::as_str) {
        None => Err(Wrong::new(401, 2, "Token is required")),
        Some(value) => match value.strip_prefix("Splunk ") {
            None => Err(Wrong::new(401, 3, "Invalid authorization")),
            Some(TOKEN) => Ok(()),
            Some(_) => Err(Wrong::new(403, 4, "Invalid token")),
        },
    }
}

fn health(asked: &Asked, manner: &Manner, taken: &mut Taken) -> Result<Reply, Wrong> {
    taken.checks += 1;
    authorized(asked)?;
    match manner.is_healthy {
        true => Ok(Reply::json(200, &json!({ "text": "HEC is healthy", "code": 17 }))),
        false => Err(Wrong::new(503, 18, "HEC is unhealthy, queues are full")),
    }
}

/// The channel of a request; a GUID.
fn channel(asked: &Asked) -> Result<Option<String>, Wrong> {
    let named = asked.header("x-splunk-request-channel");
    let named = if named.is_empty() { asked.query.get("channel").map_or("", String::as_str) } else { named };
    if named.is_empty() {
        return Ok(None);
    }
    let lengths: Vec<usize> = named.split('-').map(str::len).collect();
    let is_guid = lengths == [8, 4, 4, 4, 12] && named.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if is_guid { Ok(Some(named.to_owned())) } else { Err(Wrong::new(400, 11, "Invalid data channel")) }
}

/// A request with data, of which `keep` keeps what is right.
fn data(
    asked: &Asked,
    manner: &mut Manner,
    taken: &mut Taken,
    keep: fn(&Asked, &str, &mut Taken) -> Result<(), Wrong>,
) -> Result<Reply, Wrong> {
    taken.headers.push(asked.headers.clone());
    authorized(asked)?;
    let channel = channel(asked)?;
    if manner.with_acks && channel.is_none() {
        return Err(Wrong::new(400, 10, "Data channel is missing"));
    }
    if asked.body.len() > manner.max_content_length {
        return Err(Wrong::new(413, 413, "Content-Length too large").because(format!("{} bytes", asked.body.len())));
    }
    let format = || Wrong::new(400, 6, "Invalid data format");
    let plain = asked.plain(&["gzip"]).map_err(|why| format().because(why))?;
    if plain.len() > manner.max_content_length {
        return Err(Wrong::new(413, 413, "Content-Length too large").because(format!("{} bytes unpacked", plain.len())));
    }
    let text = std::str::from_utf8(plain).map_err(|error| format().because(error.to_string()))?;
    if text.trim().is_empty() {
        return Err(Wrong::new(400, 5, "No data"));
    }
    let (left, status, after) = manner.busy;
    if left > 0 {
        manner.busy.0 -= 1;
        let headers = after.map(|after| ("retry-after", after.to_string()));
        let mut reply = Wrong::new(status, 9, "Server is busy").reply();
        reply.headers.extend(headers);
        return Ok(reply);
    }
    keep(asked, text, taken)?;
    taken.bodies.push(text.to_owned());
    let mut body = json!({ "text": "Success", "code": 0 });
    if let Some(channel) = channel.filter(|_| manner.with_acks) {
        body["ackId"] = taken.next.into();
        taken.pending.entry(channel).or_default().insert(taken.next);
        taken.next += 1;
    }
    Ok(Reply::json(200, &body))
}

fn events(_asked: &Asked, text: &str, taken: &mut Taken) -> Result<(), Wrong> {
    let mut good = Vec::new();
    for (i, event) in serde_json::Deserializer::from_str(text).into_iter::<Members>().enumerate() {
        let wrong = |wrong: Wrong| Wrong { event: Some(i), ..wrong };
        let event =
            event.map_err(|error| wrong(Wrong::new(400, 6, "Invalid data format").because(error.to_string())))?;
        check(&event).map_err(wrong)?;
        good.push(event);
    }
    for event in good {
        taken.members.push(event.names().map(str::to_owned).collect());
        taken.events.push(Value::Object(event.0.into_iter().collect()));
    }
    Ok(())
}

/// One event.
fn check(event: &Members) -> Result<(), Wrong> {
    let format = |why: String| Err(Wrong::new(400, 6, "Invalid data format").because(why));
    let known = ["time", "host", "source", "sourcetype", "index", "event", "fields"];
    if let Some(other) = event.names().find(|name| !known.contains(name)) {
        return format(format!("{other} is no member of an event"));
    }
    if let Some(name) = event.not_text(&["host", "source", "sourcetype", "index"]) {
        return format(format!("{name} is no text"));
    }
    match event.get("time") {
        Some(time) if time.as_f64().is_none_or(|time| time < 0.0) => return format(format!("{time} is no time")),
        _ => {}
    }
    match event.get("event") {
        None => return Err(Wrong::new(400, 12, "Event field is required")),
        Some(Value::Null) => return Err(Wrong::new(400, 13, "Event field cannot be blank")),
        Some(Value::String(text)) if text.is_empty() => return Err(Wrong::new(400, 13, "Event field cannot be blank")),
        Some(_) => {}
    }
    let indexed = |why: String| Err(Wrong::new(400, 15, "Error in handling indexed fields").because(why));
    let fields = match event.get("fields") {
        None => return Ok(()),
        Some(Value::Object(fields)) => fields,
        Some(_) => return indexed("the fields are no object".to_owned()),
    };
    let is_scalar = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
    for (name, value) in fields {
        let is_flat = is_scalar(value) || value.as_array().is_some_and(|values| values.iter().all(is_scalar));
        if name.is_empty() || !is_flat {
            return indexed(format!("{name} is not flat: {value}"));
        }
    }
    if event.get("event") == Some(&json!("metric")) { metric(fields) } else { Ok(()) }
}

/// The fields of an event that is a metric: values by their names, and dimensions, which are texts.
fn metric(fields: &serde_json::Map<String, Value>) -> Result<(), Wrong> {
    let wrong = |why: String| Err(Wrong::new(400, 15, "Error in handling indexed fields").because(why));
    let mut values = 0;
    for (name, value) in fields {
        match name.strip_prefix("metric_name:") {
            Some(metric) => {
                if metric.is_empty() || !value.is_number() {
                    return wrong(format!("{name} has the value {value}, and needs a name and a number"));
                }
                values += 1;
            }
            None if !value.is_string() => return wrong(format!("the dimension {name} is no text: {value}")),
            None => {}
        }
    }
    if values == 0 { wrong("there is no metric in it".to_owned()) } else { Ok(()) }
}

fn lines(asked: &Asked, text: &str, taken: &mut Taken) -> Result<(), Wrong> {
    let known = ["channel", "host", "source", "sourcetype", "index"];
    if let Some(other) = asked.query.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(Wrong::new(400, 6, "Invalid data format").because(format!("{other} is no parameter")));
    }
    taken.lines.extend(text.lines().map(|line| (line.to_owned(), asked.query.clone())));
    Ok(())
}

fn acks(asked: &Asked, manner: &Manner, taken: &mut Taken) -> Result<Reply, Wrong> {
    taken.queries += 1;
    authorized(asked)?;
    if !manner.with_acks {
        return Err(Wrong::new(400, 14, "ACK is disabled"));
    }
    let channel = channel(asked)?.ok_or_else(|| Wrong::new(400, 10, "Data channel is missing"))?;
    let format = |why: String| Wrong::new(400, 6, "Invalid data format").because(why);
    let query: Members = serde_json::from_slice(&asked.body).map_err(|error| format(error.to_string()))?;
    let numbers = query.get("acks").and_then(Value::as_array).filter(|_| query.0.len() == 1);
    let numbers = numbers.ok_or_else(|| format("it is `acks` and a list that are wanted".to_owned()))?;
    let mut told = serde_json::Map::new();
    for number in numbers {
        let number = number.as_u64().ok_or_else(|| format(format!("{number} is no number")))?;
        // Who was told once is told no more.
        let is_known = taken.pending.get_mut(&channel).is_some_and(|known| manner.is_indexing && known.remove(&number));
        told.insert(number.to_string(), is_known.into());
    }
    Ok(Reply::json(200, &json!({ "acks": told })))
}
