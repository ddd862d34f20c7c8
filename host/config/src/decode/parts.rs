//! The parts of nodes as serde asks for them: entries of mappings, elements of lists, variants of enums.

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::error::DecodeError;
use super::path::Path;
use super::{Decoded, Decoder};
use crate::nearest::hint;
use crate::node::{Data, Key, Node};

/// The entries of a mapping, without those that its type does not know.
pub(super) struct Entries<'a> {
    entries: std::slice::Iter<'a, (Key, Node)>,
    fields: Option<&'static [&'static str]>,
    current: Option<&'a (Key, Node)>,
    decoder: Decoder<'a>,
}

impl<'a> Entries<'a> {
    pub(super) fn new(
        entries: &'a [(Key, Node)],
        fields: Option<&'static [&'static str]>,
        decoder: Decoder<'a>,
    ) -> Self {
        Entries { entries: entries.iter(), fields, current: None, decoder }
    }
}

impl<'de> MapAccess<'de> for Entries<'_> {
    type Error = DecodeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Decoded<Option<K::Value>> {
        let fields = self.fields;
        self.current = self.entries.find(|(key, _)| fields.is_none_or(|fields| fields.contains(&&*key.name)));
        let Some((key, node)) = self.current else { return Ok(None) };
        let path = self.decoder.path;
        let at = Decoder { node, path: path.key(&key.name), errors: self.decoder.errors };
        at.located(seed.deserialize(KeyText(&key.name))).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Decoded<V::Value> {
        let (key, node) = self.current.take().expect("serde asks for a value after its key");
        let path = self.decoder.path;
        let value = Decoder { node, path: path.key(&key.name), errors: self.decoder.errors };
        value.located(seed.deserialize(value))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// A key: text, or what its text says where a map has keys of another type.
struct KeyText<'a>(&'a str);

macro_rules! parsed {
    ($($method:ident $visit:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
            match self.0.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => visitor.visit_str(self.0),
            }
        })*
    };
}

impl<'de> Deserializer<'de> for KeyText<'_> {
    type Error = DecodeError;

    parsed! {
        deserialize_bool visit_bool,
        deserialize_i8 visit_i8, deserialize_i16 visit_i16, deserialize_i32 visit_i32, deserialize_i64 visit_i64,
        deserialize_u8 visit_u8, deserialize_u16 visit_u16, deserialize_u32 visit_u32, deserialize_u64 visit_u64,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Decoded<V::Value> {
        visitor.visit_str(self.0)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Decoded<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Decoded<V::Value> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    serde::forward_to_deserialize_any! {
        i128 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

/// The elements of a list.
pub(super) struct Elements<'a> {
    elements: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    decoder: Decoder<'a>,
}

impl<'a> Elements<'a> {
    pub(super) fn new(list: &'a [Node], decoder: Decoder<'a>) -> Self {
        Elements { elements: list.iter().enumerate(), decoder }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = DecodeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Decoded<Option<T::Value>> {
        let Some((index, node)) = self.elements.next() else { return Ok(None) };
        let parent = self.decoder.path;
        let element = Decoder { node, path: Path::Index(&parent, index), errors: self.decoder.errors };
        element.located(seed.deserialize(element)).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.elements.len())
    }
}

/// The variant of an enum: its name alone, or a mapping from its name to what it holds.
pub(super) struct Variant<'a> {
    decoder: Decoder<'a>,
    name: &'a str,
    content: Option<&'a Node>,
}

impl<'a> Variant<'a> {
    /// Case does not matter, as in the Collector. An unknown name is recorded, and the first variant stands in for it.
    pub(super) fn new(decoder: Decoder<'a>, variants: &'static [&'static str]) -> Self {
        let node = decoder.node;
        let (name, content) = match &node.data {
            Data::Mapping(entries) if node.original.is_none() && entries.len() == 1 => {
                (&*entries[0].0.name, Some(&entries[0].1))
            }
            _ => match node.text() {
                Some(text) => (text, None),
                None => {
                    decoder.mismatch(&format!("one of {}", variants.join(", ")));
                    ("", None)
                }
            },
        };
        if let Some(name) = variants.iter().find(|variant| variant.eq_ignore_ascii_case(name)) {
            return Variant { decoder, name, content };
        }
        let message = format!("unknown value `{name}`{}", hint(name, variants.iter().copied()));
        decoder.record(&node.at, decoder.path.render(), message);
        Variant { decoder, name: variants.first().copied().unwrap_or_default(), content: None }
    }
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = DecodeError;
    type Variant = Content<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Decoded<(V::Value, Content<'a>)> {
        let value = seed.deserialize(KeyText(self.name))?;
        Ok((value, Content { decoder: self.decoder, name: self.name, node: self.content }))
    }
}

/// What a variant holds.
pub(super) struct Content<'a> {
    decoder: Decoder<'a>,
    name: &'a str,
    node: Option<&'a Node>,
}

impl Content<'_> {
    /// Decodes what the variant holds by `decode`; a variant that was only named holds nothing.
    fn with<T>(&self, decode: impl FnOnce(Decoder<'_>) -> Decoded<T>) -> Decoded<T> {
        let parent = self.decoder.path;
        let empty = Node::new(self.decoder.node.at.clone(), Data::Null);
        let node = self.node.unwrap_or(&empty);
        let content = Decoder { node, path: parent.key(self.name), errors: self.decoder.errors };
        content.located(decode(content))
    }
}

impl<'de> VariantAccess<'de> for Content<'_> {
    type Error = DecodeError;

    fn unit_variant(self) -> Decoded<()> {
        self.with(|content| content.deserialize_unit(serde::de::IgnoredAny)).map(|_| ())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Decoded<T::Value> {
        self.with(|content| seed.deserialize(content))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Decoded<V::Value> {
        self.with(|content| content.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Decoded<V::Value> {
        self.with(|content| content.deserialize_struct("", fields, visitor))
    }
}
