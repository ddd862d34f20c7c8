//! Splicing against two references: a writer that builds the result from the frames inwards out, and prost.

use bytes::Bytes;
use host_otlp::edit::{EditError, Edits, Frame, Patch, REQUEST, Scratch, splice};
use host_otlp::view::View;
use host_otlp::{Limits, Signal, check, wire};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use proptest::prelude::{any, prop_assert_eq, proptest};
use prost::Message;

use crate::agree::bytes;
use crate::entropy::Entropy;
use crate::patches::{reference, right, side, table};
use crate::{generate, mutate};

proptest! {
    #[test]
    fn the_result_is_what_a_plain_writer_makes(seed in bytes(), changes in bytes(), edits in bytes(), order in any::<bool>()) {
        let (signal, encoded) = generate::request(&mut Entropy::new(&seed));
        let encoded = mutate::reencoded(View::request(signal, &encoded), &mut Entropy::new(&changes));
        let (mut frames, bounds) = table(View::request(signal, &encoded));
        let mut patches = right(&bounds, &mut Entropy::new(&edits));
        if order {
            breadth_first(&mut frames, &mut patches);
        }
        let side = side();
        let edits = Edits { frames: &frames, patches: &patches, side: &side };
        let spliced = splice(&encoded, &edits, &mut Scratch::default()).unwrap();
        prop_assert_eq!(&spliced, &reference(&encoded, &edits, REQUEST));
    }

    #[test]
    fn arbitrary_frames_and_patches_never_panic(
        buf in proptest::collection::vec(any::<u8>(), 0..60),
        frames in proptest::collection::vec((0..70u32, 0..70u32, 0..70u32, 0..5u32), 0..6),
        patches in proptest::collection::vec((0..70u32, 0..70u32, 0..7u32, 0..12u32, 0..12u32), 0..6),
    ) {
        let frames: Vec<_> = frames
            .into_iter()
            .map(|(tag, content, end, parent)| Frame { tag, content, end, parent: parent.wrapping_sub(1) })
            .collect();
        let patches: Vec<_> = patches
            .into_iter()
            .map(|(start, end, frame, from, to)| Patch { start, end, frame: frame.wrapping_sub(1), with: (from, to) })
            .collect();
        let edits = Edits { frames: &frames, patches: &patches, side: &[0; 10] };
        let _ = splice(&buf, &edits, &mut Scratch::default());
    }

    #[test]
    fn edited_logs_are_what_prost_edits(seed in bytes(), choices in bytes()) {
        let mut request = generate::logs(&mut Entropy::new(&seed));
        let encoded = Bytes::from(request.encode_to_vec());
        let payload = check(Signal::Logs, encoded.clone(), &Limits::default()).unwrap();
        let attribute = KeyValue {
            key: "cluster.id".to_owned(),
            value: Some(AnyValue { value: Some(Value::StringValue("edge-eu-1".repeat(20))) }),
            key_strindex: 0,
        };

        let spliced = spliced(&encoded, &attribute, &mut Entropy::new(&choices));
        let mut e = Entropy::new(&choices);
        for resource_logs in &mut request.resource_logs {
            if let Some(resource) = &mut resource_logs.resource {
                resource.attributes.push(attribute.clone());
            }
            for scope_logs in &mut resource_logs.scope_logs {
                scope_logs.log_records.retain_mut(|record| {
                    if let Some(Value::StringValue(text)) = record.body.as_mut().and_then(|body| body.value.as_mut()) {
                        "[redacted]".clone_into(text);
                    }
                    e.below(3) != 1
                });
            }
        }
        let items = request.resource_logs.iter().flat_map(|it| &it.scope_logs).map(|it| it.log_records.len()).sum::<usize>();
        let edited = payload.edited([(spliced.clone(), items as u32)]);
        prop_assert_eq!(ExportLogsServiceRequest::decode(spliced.clone()).unwrap().encode_to_vec(), request.encode_to_vec());
        if !spliced.is_empty() {
            prop_assert_eq!(check(Signal::Logs, spliced, &Limits::default()).unwrap().items(), edited.items());
        }
    }
}

/// The same edits as those on the structs: an attribute on each resource, each text body replaced, some records dropped.
fn spliced(encoded: &[u8], attribute: &KeyValue, e: &mut Entropy<'_>) -> Bytes {
    let mut side = Vec::new();
    wire::put_len(&mut side, 1, &attribute.encode_to_vec());
    let inserted = (0, side.len() as u32);
    wire::put_len(&mut side, 1, b"[redacted]");
    let redacted = (inserted.1, side.len() as u32);

    let (mut frames, mut patches) = (Vec::new(), Vec::new());
    collect(View::request(Signal::Logs, encoded), REQUEST, e, (inserted, redacted), &mut frames, &mut patches);
    let edits = Edits { frames: &frames, patches: &patches, side: &side };
    splice(encoded, &edits, &mut Scratch::default()).expect("the patches are right").into()
}

fn collect(
    view: View<'_>,
    parent: u32,
    e: &mut Entropy<'_>,
    with: ((u32, u32), (u32, u32)),
    frames: &mut Vec<Frame>,
    patches: &mut Vec<Patch>,
) {
    for field in view.fields() {
        let (tag, content, end) = (field.tag as u32, field.start as u32, field.end as u32);
        let Some(inner) = view.enter(&field) else { continue };
        if inner.message.name == "LogRecord" && e.below(3) == 1 {
            patches.push(Patch { start: tag, end, frame: parent, with: (0, 0) });
            continue;
        }
        let index = frames.len() as u32;
        frames.push(Frame { tag, content, end, parent });
        if view.message.name == "LogRecord" && field.number == 5 {
            if let Some(text) = inner.fields().find(|text| text.number == 1) {
                patches.push(Patch { start: text.tag as u32, end: text.end as u32, frame: index, with: with.1 });
            }
            continue;
        }
        collect(inner, index, e, with, frames, patches);
        if inner.message.name == "Resource" {
            // Prost writes the attributes first; where in the message the new one stands makes no difference to it.
            patches.push(Patch { start: end, end, frame: index, with: with.0 });
        }
    }
}

/// Sorts the frames by depth, as a walk that goes level by level leaves them.
fn breadth_first(frames: &mut Vec<Frame>, patches: &mut [Patch]) {
    let depth = |mut index: u32| {
        let mut depth = 0;
        while index != REQUEST {
            index = frames[index as usize].parent;
            depth += 1;
        }
        depth
    };
    let mut order: Vec<u32> = (0..frames.len() as u32).collect();
    order.sort_by_key(|&index| depth(index));
    let mut place = vec![0; frames.len()];
    order.iter().enumerate().for_each(|(new, &old)| place[old as usize] = new as u32);
    let moved = |index: u32| place.get(index as usize).copied().unwrap_or(REQUEST);
    let sorted = order.iter().map(|&old| frames[old as usize]).map(|it| Frame { parent: moved(it.parent), ..it });
    *frames = sorted.collect();
    patches.iter_mut().for_each(|patch| patch.frame = moved(patch.frame));
}

#[test]
fn two_edits_of_the_same_bytes_are_refused() {
    let buf = [0x0a, 0x03, 0x1a, 0x01, b'x'];
    let frames = [Frame { tag: 0, content: 2, end: 5, parent: REQUEST }];
    let patch = Patch { start: 2, end: 5, frame: 0, with: (0, 0) };
    let edits = Edits { frames: &frames, patches: &[patch, Patch { start: 4, ..patch }], side: &[] };
    assert_eq!(splice(&buf, &edits, &mut Scratch::default()), Err(EditError::Overlap(1)));
}
