//! The tables of this crate against the descriptors that `opentelemetry-proto` was generated from.

use std::collections::HashMap;

use host_otlp::Signal;
use host_otlp::schema::{Card, Kind, Message, NUMBERS};
use host_otlp::wire::WireType;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

/// All message types by full name, nested ones too.
fn descriptors() -> HashMap<String, DescriptorProto> {
    let set = FileDescriptorSet::decode(opentelemetry_proto::DESCRIPTORS).expect("the crate ships valid descriptors");
    let mut all = HashMap::new();
    for file in set.file {
        for message in &file.message_type {
            collect(&format!(".{}", file.package()), message, &mut all);
        }
    }
    all
}

fn collect(scope: &str, message: &DescriptorProto, all: &mut HashMap<String, DescriptorProto>) {
    let name = format!("{scope}.{}", message.name());
    message.nested_type.iter().for_each(|nested| collect(&name, nested, all));
    all.insert(name, message.clone());
}

#[test]
fn every_message_of_the_three_signals_has_the_fields_of_its_descriptor() {
    let all = descriptors();
    let mut seen = Vec::new();
    for signal in Signal::ALL {
        let request = Message::request(signal);
        let (name, _) = all
            .iter()
            .find(|(name, _)| name.contains(".collector.") && name.ends_with(&format!(".{}", request.name)))
            .expect("each request has a descriptor");
        compare(request, name, &all, &mut seen);
    }
    assert_eq!(seen.len(), 34, "messages that were compared: {seen:?}");
}

fn compare(
    message: &'static Message,
    full_name: &str,
    all: &HashMap<String, DescriptorProto>,
    seen: &mut Vec<&'static str>,
) {
    if seen.contains(&message.name) {
        return;
    }
    seen.push(message.name);
    assert!(full_name.ends_with(&format!(".{}", message.name)), "{full_name} is called {}", message.name);
    let descriptor = &all[full_name];
    let wanted: Vec<i32> = descriptor.field.iter().map(FieldDescriptorProto::number).collect();
    let known: Vec<i32> = (0..NUMBERS as i32).filter(|n| message.field(*n as u32).is_some()).collect();
    assert_eq!(
        known,
        {
            let mut sorted = wanted;
            sorted.sort_unstable();
            sorted
        },
        "fields of {full_name}"
    );

    for field in &descriptor.field {
        let known = message.field(field.number() as u32).expect("compared above");
        let place = format!("{full_name}.{}", field.name());
        assert_eq!(known.name, field.name(), "{place}");
        assert_eq!(known.card, card(field), "{place}");
        match known.kind {
            Kind::Message(inner) => {
                assert_eq!(field.r#type(), Type::Message, "{place}");
                compare(inner, field.type_name(), all, seen);
            }
            Kind::Packed(scalar) => assert_eq!(Some(scalar), scalar_of(field), "{place}"),
            kind => assert!(fits(kind, field.r#type()) && known.card != Card::Many || is_text(kind), "{place}"),
        }
    }
}

fn is_text(kind: Kind) -> bool {
    matches!(kind, Kind::Text)
}

fn card(field: &FieldDescriptorProto) -> Card {
    match (field.label(), field.oneof_index, field.proto3_optional()) {
        (Label::Repeated, ..) => Card::Many,
        (_, Some(_), false) => Card::Oneof,
        _ => Card::One,
    }
}

fn fits(kind: Kind, wanted: Type) -> bool {
    match kind {
        Kind::Varint => {
            matches!(wanted, Type::Bool | Type::Int32 | Type::Int64 | Type::Uint32 | Type::Uint64 | Type::Enum)
        }
        Kind::Zigzag => wanted == Type::Sint32,
        Kind::Fixed64 => wanted == Type::Fixed64,
        Kind::Fixed32 => wanted == Type::Fixed32,
        Kind::Double => wanted == Type::Double,
        Kind::Sfixed64 => wanted == Type::Sfixed64,
        Kind::Text => wanted == Type::String,
        Kind::Bytes | Kind::Id(_) => wanted == Type::Bytes,
        Kind::Message(_) | Kind::Packed(_) => false,
    }
}

fn scalar_of(field: &FieldDescriptorProto) -> Option<WireType> {
    match field.r#type() {
        Type::Fixed64 | Type::Double => Some(WireType::Fixed64),
        Type::Uint64 => Some(WireType::Varint),
        _ => None,
    }
}
