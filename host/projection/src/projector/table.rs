//! The schema, narrowed to what one plan reads: for each message and field, what the walk does there.

use host_otlp::Signal;
use host_otlp::schema::{Kind, Message, NUMBERS};
use host_otlp::wire::WireType;

use super::Read;
use crate::batch::Level;
use crate::path::{Class, Context, Path, Reach};
use crate::plan::Cells;

/// How many levels there are.
pub(crate) const LEVELS: usize = 7;

/// Reads, by position in the plan.
pub(super) type Reads = Vec<u32>;

/// What the walk does with one field of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Skip,
    /// A row of this level starts; its fields are those of the node.
    Row(Level, u16),
    /// The one message that a row holds: noted, walked where there is a node, and told by its number where a scalar says
    /// who reads that.
    Hold(Option<u16>, Option<u16>),
    /// A field of a fixed type: an index into the scalars.
    Scalar(u16),
    /// A message that consists of texts: an index into the scalars.
    Texts(u16),
    /// One `KeyValue` of a map: an index into the specs.
    Pair(u16),
    /// An `AnyValue`: an index into the specs.
    Value(u16),
}

/// One message at one place in the payload.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) actions: [Action; NUMBERS],
    /// By tag of one byte: how to get over fields that are skipped.
    skips: [Skip; 128],
}

/// How to get over a field whose tag takes one byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Skip {
    /// It is not skipped.
    No,
    /// So many bytes, tag and all.
    Fixed(u8),
    Varint,
    Len,
}

/// A field of a fixed type.
#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) class: Class,
    pub(super) reads: Reads,
}

/// Who reads what of a value.
#[derive(Debug, Default)]
pub(super) struct Spec {
    /// The value itself, where it is a scalar.
    pub(super) itself: Reads,
    /// Where it is a map: what is under some keys.
    pub(super) keys: Vec<(Box<[u8]>, u16)>,
    /// Where it is a map: its scalar values.
    pub(super) values: Reads,
    /// Every text, byte string and map key in it.
    pub(super) deep: Reads,
    /// Where all of this is of one kind and has the same patterns: what holds no match is then of no interest, whatever
    /// it is.
    pub(super) gate: Option<Gate>,
    /// The reads that want more than scalars as they are.
    pub(super) more: More,
    /// Whether there are any, here or at some key.
    pub(super) has_more: bool,
}

/// One of the reads whose patterns decide, and whether these reads are deep or of a map's own values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    pub(super) read: u32,
    pub(super) deep: bool,
}

/// Who reads what of a value, as text or with lists and maps.
#[derive(Debug, Default)]
pub(super) struct More {
    pub(super) itself: Forms,
    pub(super) values: Forms,
    /// As text.
    pub(super) deep: Reads,
}

/// Reads that want a value as text, and those that want it whole or composites alone.
#[derive(Debug, Default)]
pub(super) struct Forms {
    pub(super) printed: Reads,
    pub(super) whole: Reads,
}

impl Forms {
    fn of(&mut self, cells: Cells) -> &mut Reads {
        if cells == Cells::Printed { &mut self.printed } else { &mut self.whole }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.printed.is_empty() && self.whole.is_empty()
    }
}

impl More {
    fn is_empty(&self) -> bool {
        self.itself.is_empty() && self.values.is_empty() && self.deep.is_empty()
    }
}

/// The narrowed schema.
#[derive(Debug)]
pub(crate) struct Table {
    pub(super) nodes: Vec<Node>,
    pub(super) scalars: Vec<Scalar>,
    pub(super) specs: Vec<Spec>,
    /// The node of the request.
    pub(super) root: u16,
    /// The levels whose rows the guest sees, outermost first.
    pub(crate) levels: Vec<Level>,
}

impl Node {
    fn new(actions: [Action; NUMBERS]) -> Node {
        let skips = std::array::from_fn(|tag| match (actions.get(tag >> 3), WireType::from_bits(tag as u64)) {
            (Some(Action::Skip), Some(WireType::Varint)) => Skip::Varint,
            (Some(Action::Skip), Some(WireType::Fixed64)) => Skip::Fixed(9),
            (Some(Action::Skip), Some(WireType::Len)) => Skip::Len,
            (Some(Action::Skip), Some(WireType::Fixed32)) => Skip::Fixed(5),
            _ => Skip::No,
        });
        Node { actions, skips }
    }

    /// Where the next field starts, where the one at `pos` is skipped and short.
    #[inline(always)]
    pub(super) fn skip(&self, buf: &[u8], pos: usize) -> Option<usize> {
        let tag = usize::from(*buf.get(pos)?);
        match *self.skips.get(tag)? {
            Skip::No => None,
            Skip::Fixed(len) => Some(pos + usize::from(len)),
            Skip::Varint => buf.get(pos + 1).filter(|byte| **byte < 0x80).map(|_| pos + 2),
            Skip::Len => buf.get(pos + 1).filter(|len| **len < 0x80).map(|len| pos + 2 + usize::from(*len)),
        }
    }
}

impl Table {
    pub(super) fn new(signal: Signal, reads: &[Read], writes: &[Option<Path>], shapes: bool) -> Table {
        let named = reads.iter().map(|read| read.path.level());
        let named: Vec<Level> = named.chain(writes.iter().flatten().map(Path::level)).collect();
        let levels = levels(signal, &named, shapes);
        let mut table = Table { nodes: Vec::new(), scalars: Vec::new(), specs: Vec::new(), root: 0, levels };
        table.root = table.node(signal, reads, Message::request(signal), None, false);
        table
    }

    /// Adds the node of `message`, which is a row of `context` or what such a row holds.
    fn node(
        &mut self,
        signal: Signal,
        reads: &[Read],
        message: &'static Message,
        context: Option<&'static Context>,
        held: bool,
    ) -> u16 {
        let mut actions = [Action::Skip; NUMBERS];
        for (action, field) in actions.iter_mut().zip(&message.fields) {
            let Some(field) = field else { continue };
            *action = match field.kind {
                Kind::Message(inner) if row(inner).is_some_and(|level| self.levels.contains(&level)) => {
                    let level = row(inner).expect("the guard saw it");
                    let inner_context = Context::of(signal, level);
                    Action::Row(level, self.node(signal, reads, inner, inner_context, false))
                }
                Kind::Message(inner) if HELD.contains(&inner.name) => {
                    let node = self.node(signal, reads, inner, context, true);
                    let idle = self.nodes[node as usize].actions.iter().all(|action| *action == Action::Skip);
                    let told = match context.map(|context| self.field(reads, context, held, field.name)) {
                        Some(Action::Scalar(scalar)) => Some(scalar),
                        _ => None,
                    };
                    Action::Hold((!idle).then_some(node), told)
                }
                _ => context.map_or(Action::Skip, |context| self.field(reads, context, held, field.name)),
            };
        }
        self.nodes.push(Node::new(actions));
        (self.nodes.len() - 1) as u16
    }

    /// What to do with the field that the schema calls `name`.
    fn field(&mut self, reads: &[Read], context: &'static Context, held: bool, name: &str) -> Action {
        let field = context.fields.iter().find(|field| field.held == held && field.proto.contains(&name));
        let Some(field) = field else { return Action::Skip };
        let here: Vec<(u32, &Path)> = (0u32..)
            .zip(reads)
            .filter(|(_, read)| std::ptr::eq(read.path.field(), field))
            .map(|(index, read)| (index, &read.path))
            .collect();
        if here.is_empty() {
            return Action::Skip;
        }
        match field.class {
            Class::Map => Action::Pair(self.spec(reads, &here, 0)),
            Class::Any => Action::Value(self.spec(reads, &here, 0)),
            class => {
                self.scalars.push(Scalar { class, reads: here.iter().map(|(index, _)| *index).collect() });
                let index = (self.scalars.len() - 1) as u16;
                if class == Class::Texts { Action::Texts(index) } else { Action::Scalar(index) }
            }
        }
    }

    /// Adds what `paths` read of the value that their first `depth` keys lead to.
    fn spec(&mut self, reads: &[Read], paths: &[(u32, &Path)], depth: usize) -> u16 {
        let mut spec = Spec::default();
        let mut under: Vec<(&str, Vec<(u32, &Path)>)> = Vec::new();
        for &(index, path) in paths {
            let cells = reads[index as usize].cells;
            let scalars = cells == Cells::Scalars;
            match (path.keys().get(depth), path.reach()) {
                (None, Reach::Exact) if scalars => spec.itself.push(index),
                (None, Reach::Values) if scalars => spec.values.push(index),
                (None, Reach::Deep) if scalars => spec.deep.push(index),
                (None, Reach::Exact) => spec.more.itself.of(cells).push(index),
                (None, Reach::Values) => spec.more.values.of(cells).push(index),
                (None, Reach::Deep) => spec.more.deep.push(index),
                (Some(key), _) => match under.iter_mut().find(|(known, _)| known == key) {
                    Some((_, list)) => list.push((index, path)),
                    None => under.push((key, vec![(index, path)])),
                },
            }
        }
        for (key, paths) in under {
            let child = self.spec(reads, &paths, depth + 1);
            spec.keys.push((key.as_bytes().into(), child));
        }
        spec.has_more =
            !spec.more.is_empty() || spec.keys.iter().any(|(_, child)| self.specs[*child as usize].has_more);
        if spec.itself.is_empty() && spec.keys.is_empty() && !spec.has_more {
            spec.gate = gate(reads, &spec);
        }
        self.specs.push(spec);
        (self.specs.len() - 1) as u16
    }
}

/// The patterns that decide about all that a spec reads, where there is no more than one set of them.
fn gate(reads: &[Read], spec: &Spec) -> Option<Gate> {
    let (list, deep) = match (spec.values.is_empty(), spec.deep.is_empty()) {
        (true, false) => (&spec.deep, true),
        (false, true) => (&spec.values, false),
        _ => return None,
    };
    let set = |index: &u32| reads[*index as usize].patterns.as_ref().map(|_| reads[*index as usize].set);
    let read = *list.first()?;
    let decides = set(&read).is_some() && list.iter().all(|it| set(it) == set(&read));
    decides.then_some(Gate { read, deep })
}

/// Messages of which a row has one, and in which some of its fields lie.
const HELD: [&str; 8] =
    ["Resource", "InstrumentationScope", "Status", "Gauge", "Sum", "Histogram", "ExponentialHistogram", "Summary"];

/// The level whose rows these messages are.
pub(crate) fn row(message: &Message) -> Option<Level> {
    if message.item {
        return Some(Level::Item);
    }
    Some(match message.name {
        "ResourceLogs" | "ResourceSpans" | "ResourceMetrics" => Level::Origin,
        "ScopeLogs" | "ScopeSpans" | "ScopeMetrics" => Level::Scope,
        "Metric" => Level::Metric,
        "Span.Event" => Level::Event,
        "Span.Link" => Level::Link,
        "Exemplar" => Level::Exemplar,
        _ => return None,
    })
}

/// From the origin to the deepest level that is named. A plan that drops or routes and names none sees items.
fn levels(signal: Signal, named: &[Level], shapes: bool) -> Vec<Level> {
    let main: &[Level] = match signal {
        Signal::Metrics => &[Level::Origin, Level::Scope, Level::Metric, Level::Item],
        _ => &[Level::Origin, Level::Scope, Level::Item],
    };
    let deepest = match named.iter().max() {
        Some(level) => *level,
        None if shapes => Level::Item,
        None => return Vec::new(),
    };
    let mut levels: Vec<Level> = main.iter().copied().filter(|level| *level <= deepest).collect();
    let below = [Level::Event, Level::Link, Level::Exemplar];
    levels.extend(below.into_iter().filter(|level| named.contains(level)));
    levels
}
