//! YAML text as a tree of nodes: one document, with anchors, merge keys and limits.

use std::collections::BTreeMap;
use std::sync::Arc;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span, StrInput, Tag};

use crate::node::{Data, Key, Node, plain};
use crate::problem::{Errors, Position, Problem};

/// Mappings and lists inside one another.
const MAX_DEPTH: usize = 64;
/// Values of one document, those behind aliases counted at each place that they stand: what stops a "billion laughs".
const MAX_NODES: usize = 100_000;
/// Their text, counted alike: one long value may be named many times.
const MAX_TEXT: usize = 16 << 20;

/// Reads `text` as one YAML document.
///
/// # Errors
/// Every duplicate key, or the one thing that made reading end.
pub(crate) fn parse(file: &Arc<str>, text: &str) -> Result<Node, Errors> {
    let (node, errors) = read(file, text)?;
    errors.or(node)
}

/// Reads `text` as far as it makes sense: the document, with the first of the keys that stand twice, and what is wrong.
///
/// # Errors
/// The one thing that made reading end, and what was wrong before it.
pub(crate) fn read(file: &Arc<str>, text: &str) -> Result<(Node, Errors), Errors> {
    let parser = Parser::new_from_str(text);
    let mut reader = Reader { file, parser, anchors: BTreeMap::new(), read: Size::default(), errors: Errors::new() };
    match reader.document() {
        Ok(node) => Ok((node, reader.errors)),
        Err(problem) => {
            reader.errors.push(problem);
            Err(reader.errors)
        }
    }
}

/// How much was read.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text: usize,
}

struct Reader<'a> {
    file: &'a Arc<str>,
    parser: Parser<'a, StrInput<'a>>,
    /// What each anchor names, and how much that is.
    anchors: BTreeMap<usize, (Node, Size)>,
    read: Size,
    errors: Errors,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(
                        self.problem(span.start, "a second document starts here: a configuration is one document")
                    );
                }
                Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
                event => root = Some(self.node(event, span, 0)?),
            }
        }
        let start = Position { file: Arc::clone(self.file), line: 1, column: 1 };
        Ok(root.unwrap_or_else(|| Node::new(start, Data::Null)))
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(self.problem(*error.marker(), &format!("this is no YAML: {}", error.info()))),
            None => Err(self.problem(Marker::default(), "this is no YAML: the text ends early")),
        }
    }

    /// The node that `event` begins.
    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        if depth > MAX_DEPTH {
            return Err(self.problem(span.start, &format!("values are nested deeper than {MAX_DEPTH} levels")));
        }
        let before = self.read;
        let text = if let Event::Scalar(text, ..) = &event { text.len() } else { 0 };
        self.count(Size { nodes: 1, text }, span.start)?;
        let at = self.position(span.start);
        let (data, anchor) = match event {
            Event::Alias(id) => return self.alias(id, span.start, depth),
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref()), anchor),
            Event::SequenceStart(anchor, _) => (self.sequence(depth)?, anchor),
            Event::MappingStart(anchor, _) => (self.mapping(depth)?, anchor),
            _ => return Err(self.problem(span.start, "this is no YAML: a value is missing")),
        };
        let node = Node::new(at, data);
        if anchor != 0 {
            let size = Size { nodes: self.read.nodes - before.nodes, text: self.read.text - before.text };
            self.count(Size { nodes: 0, text: size.text }, span.start)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn alias(&mut self, id: usize, at: Marker, depth: usize) -> Result<Node, Problem> {
        let Some((node, size)) = self.anchors.get(&id) else {
            return Err(self.problem(at, "an alias stands inside the value that it names"));
        };
        let (node, size) = (node.clone(), *size);
        self.count(size, at)?;
        if depth + height(&node) > MAX_DEPTH {
            return Err(self.problem(at, &format!("values are nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(node)
    }

    fn sequence(&mut self, depth: usize) -> Result<Data, Problem> {
        let mut list = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Data::Sequence(list));
            }
            list.push(self.node(event, span, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Data, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: BTreeMap<Box<str>, usize> = BTreeMap::new();
        let mut merged = Vec::new();
        loop {
            let (event, span) = self.next()?;
            let (name, style) = match event {
                Event::MappingEnd => break,
                Event::Scalar(name, style, ..) => (Box::<str>::from(&*name), style),
                Event::Alias(id) => (self.alias_key(id, span.start)?, ScalarStyle::DoubleQuoted),
                _ => return Err(self.problem(span.start, "a key must be text, not a list or a mapping")),
            };
            self.count(Size { nodes: 0, text: name.len() }, span.start)?;
            let key = Key { name, at: self.position(span.start) };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            if &*key.name == "<<" && style == ScalarStyle::Plain {
                merged.push(value);
                continue;
            }
            if let Some(first) = seen.insert(key.name.clone(), key.at.line) {
                let message = format!("the key `{}` stands twice, here and in line {first}", key.name);
                self.errors.push(Problem::new(&key.at, "", message));
                continue;
            }
            entries.push((key, value));
        }
        for value in merged {
            self.merge(value, &mut entries, &mut seen)?;
        }
        Ok(Data::Mapping(entries))
    }

    fn alias_key(&self, id: usize, at: Marker) -> Result<Box<str>, Problem> {
        let text = self.anchors.get(&id).and_then(|(node, _)| node.text());
        text.map(Into::into).ok_or_else(|| self.problem(at, "a key must be text, not a list or a mapping"))
    }

    /// `<<: *base`: the entries of `base` that are not written out beside it.
    fn merge(
        &mut self,
        value: Node,
        entries: &mut Vec<(Key, Node)>,
        seen: &mut BTreeMap<Box<str>, usize>,
    ) -> Result<(), Problem> {
        let message = "`<<` merges a mapping or a list of mappings, such as `*anchor`";
        match value.data {
            Data::Mapping(more) => {
                for (key, node) in more {
                    if !seen.contains_key(&key.name) {
                        seen.insert(key.name.clone(), key.at.line);
                        entries.push((key, node));
                    }
                }
                Ok(())
            }
            Data::Sequence(list) => {
                for node in list {
                    if !matches!(node.data, Data::Mapping(_)) {
                        return Err(Problem::new(&node.at, "", message));
                    }
                    self.merge(node, entries, seen)?;
                }
                Ok(())
            }
            _ => Err(Problem::new(&value.at, "", message)),
        }
    }

    fn count(&mut self, more: Size, at: Marker) -> Result<(), Problem> {
        self.read.nodes = self.read.nodes.saturating_add(more.nodes);
        self.read.text = self.read.text.saturating_add(more.text);
        if self.read.nodes > MAX_NODES {
            return Err(
                self.problem(at, &format!("there are more than {MAX_NODES} values, those behind aliases counted"))
            );
        }
        if self.read.text > MAX_TEXT {
            let most = MAX_TEXT >> 20;
            return Err(
                self.problem(at, &format!("there are more than {most} MiB of text, that behind aliases counted"))
            );
        }
        Ok(())
    }

    fn position(&self, marker: Marker) -> Position {
        Position { file: Arc::clone(self.file), line: marker.line().max(1), column: marker.col() + 1 }
    }

    fn problem(&self, marker: Marker, message: &str) -> Problem {
        Problem::new(&self.position(marker), "", message)
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Data {
    let core = tag.filter(|tag| tag.is_yaml_core_schema()).map(|tag| tag.suffix.as_str());
    match core {
        Some("str") => Data::Text(text.into()),
        Some(_) => plain(text),
        None if style == ScalarStyle::Plain => plain(text),
        None => Data::Text(text.into()),
    }
}

/// Levels of mappings and lists in `node`.
fn height(node: &Node) -> usize {
    match &node.data {
        Data::Sequence(list) => 1 + list.iter().map(height).max().unwrap_or(0),
        Data::Mapping(entries) => 1 + entries.iter().map(|(_, node)| height(node)).max().unwrap_or(0),
        _ => 0,
    }
}
