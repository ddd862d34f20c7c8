//! What a scrubber can reach: every text of every message that the schema knows, and nothing else gets past it.

use host_otlp::Signal;
use host_otlp::schema::{Card, Kind, Message};
use host_otlp::wire;

use crate::batch::Level;
use crate::path::{Class, Context};
use crate::testing::{checked, project, read, strings};
use crate::{Edit, Plan, Script, Slice, Unmetered, Value};

const NEEDLE: &[u8] = b"needle";

/// Messages of this type with a needle in each field that can hold one, and in a field that the schema does not know.
/// There are so many that each member of each oneof is in one of them. Values are nested `depth` deep.
fn filled(message: &'static Message, depth: u32) -> Vec<Vec<u8>> {
    let mut common = Vec::new();
    wire::put_len(&mut common, 100, NEEDLE);
    let mut singles = Vec::new();
    let mut members = Vec::new();
    for (number, field) in (0u32..).zip(&message.fields) {
        let Some(field) = field else { continue };
        let contents = match field.kind {
            Kind::Text | Kind::Bytes => vec![NEEDLE.to_vec()],
            Kind::Id(id) => vec![vec![b'n'; id.width()]],
            Kind::Message(inner) if inner.name == "AnyValue" && depth == 0 => continue,
            Kind::Message(inner) => filled(inner, depth - u32::from(inner.name == "AnyValue")),
            _ => continue,
        };
        let fields = contents.iter().map(|content| {
            let mut field = Vec::new();
            wire::put_len(&mut field, number, content);
            field
        });
        match field.card {
            Card::Many => common.extend(fields.flatten()),
            Card::One => singles.push(fields.collect::<Vec<_>>()),
            Card::Oneof => members.extend(fields),
        }
    }
    singles.extend((!members.is_empty()).then_some(members));
    let count = singles.iter().map(Vec::len).max().unwrap_or(1);
    let parts = |index: usize| singles.iter().flat_map(move |list| list[index % list.len()].iter().copied());
    (0..count).map(|index| common.iter().copied().chain(parts(index)).collect()).collect()
}

/// A path for each field that holds text.
fn texts(signal: Signal) -> Vec<String> {
    use Level::{Event, Exemplar, Item, Link, Metric, Origin, Scope};
    let contexts =
        [Origin, Scope, Metric, Item, Event, Link, Exemplar].map(|level| Context::of(signal, level)).into_iter();
    let fields = contexts.flatten().flat_map(|context| context.fields.iter().map(move |field| (context.name, field)));
    fields
        .filter_map(|(context, field)| match field.class {
            Class::Text => Some(format!("{context}.{}", field.name)),
            Class::Map | Class::Any | Class::Texts => Some(format!("{context}.{}[**]", field.name)),
            _ => None,
        })
        .collect()
}

#[test]
fn no_text_of_a_payload_is_out_of_a_scrubbers_reach() {
    for signal in Signal::ALL {
        let request = filled(Message::request(signal), 3).concat();
        let before = request.windows(NEEDLE.len()).filter(|window| *window == NEEDLE).count();
        assert!(before > 100, "{before}");
        let paths = texts(signal);
        for patterns in [&[][..], &["needle"]] {
            let reads = paths.iter().map(|path| read(path, patterns)).collect();
            let plan = Plan { reads, writes: paths.clone(), ..Plan::default() };
            let projection = project(&plan, &checked(signal, request.clone()));
            let cells: u32 = projection.batch.columns.iter().map(|column| column.rows.len() as u32).sum();
            let value = Value::Text(Slice { start: 0, end: 1 });
            let edits = (0..cells).map(|cell| Edit::Replace { cell, value }).collect();
            let routed = projection.apply(&Script { edits, text: b"x".to_vec() }, &mut Unmetered).unwrap();
            let left = routed[0].payload.contiguous();
            assert!(!left.windows(NEEDLE.len()).any(|window| window == NEEDLE), "{signal}: {left:?}");
            assert_eq!(checked(signal, left.to_vec()).items(), routed[0].payload.items());
        }
    }
}

#[test]
fn the_texts_of_entity_references_are_cells() {
    let mut entity = Vec::new();
    for (number, text) in [(1, "s"), (2, "t"), (3, "i"), (3, ""), (3, "j"), (4, "d"), (9, "?")] {
        wire::put_len(&mut entity, number, text.as_bytes());
    }
    let mut request = Vec::new();
    wire::put_len(&mut request, 3, &entity);
    for number in [1, 1] {
        let inner = std::mem::take(&mut request);
        wire::put_len(&mut request, number, &inner);
    }
    let path = "resource.entity_refs[**]";
    let plan = Plan { reads: vec![read(path, &[])], writes: strings(&[path]), ..Plan::default() };
    let projection = project(&plan, &checked(Signal::Logs, request));
    assert_eq!(
        super::shown(&projection.batch),
        ["0: 0 =\"s\"", "0: 0 =\"t\"", "0: 0 =\"i\"", "0: 0 =\"j\"", "0: 0 =\"d\""]
    );
    let edits =
        vec![Edit::Remove { cell: 2 }, Edit::Splice { cell: 3, start: 0, end: 0, with: Slice { start: 0, end: 2 } }];
    let routed = projection.apply(&Script { edits, text: b"k-".to_vec() }, &mut Unmetered).unwrap();
    let request: crate::testing::Logs = crate::testing::decoded(&routed[0].payload);
    let entity = &request.resource_logs[0].resource.as_ref().unwrap().entity_refs[0];
    assert_eq!((entity.r#type.as_str(), &entity.id_keys), ("t", &strings(&["", "k-j"])));
}
