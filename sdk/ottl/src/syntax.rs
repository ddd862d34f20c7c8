//! What a text says: conditions and statements as trees.

/// A value, or a condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Nil,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// The name of an enum's member, or of a function that another one takes.
    Symbol(usize, String),
    Path(Path),
    Call(Call),
    Math(Box<Node>, Operator, Box<Node>),
    Negative(Box<Node>),
    Compare(Box<Node>, Comparison, Box<Node>),
    Not(Box<Node>),
    All(Vec<Node>),
    Any(Vec<Node>),
}

/// A path, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Path {
    pub(crate) at: usize,
    pub(crate) segments: Vec<Segment>,
}

/// A name in a path, with its keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Segment {
    pub(crate) name: String,
    pub(crate) keys: Vec<Node>,
}

/// A function and what it is given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) at: usize,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Argument>,
    /// What of its result is meant.
    pub(crate) keys: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Argument {
    pub(crate) name: Option<String>,
    pub(crate) value: Node,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Plus,
    Minus,
    Times,
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// An editor, and when it is run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) editor: Call,
    pub(crate) condition: Option<Node>,
}

impl Path {
    /// The path as it is written, but for what its keys are.
    pub(crate) fn name(&self) -> String {
        let names: Vec<&str> = self.segments.iter().map(|segment| segment.name.as_str()).collect();
        names.join(".")
    }
}

impl Node {
    /// Calls `visit` with each path and call in it, keys and arguments too.
    pub(crate) fn walk<'n>(&'n self, visit: &mut impl FnMut(Name<'n>)) {
        match self {
            Node::Nil | Node::Bool(_) | Node::Int(_) | Node::Double(_) | Node::Text(_) | Node::Bytes(_) => {}
            Node::Symbol(..) => {}
            Node::List(nodes) | Node::All(nodes) | Node::Any(nodes) => nodes.iter().for_each(|node| node.walk(visit)),
            Node::Map(entries) => entries.iter().for_each(|(_, node)| node.walk(visit)),
            Node::Path(path) => {
                visit(Name::Path(path));
                path.segments.iter().flat_map(|segment| &segment.keys).for_each(|key| key.walk(visit));
            }
            Node::Call(call) => call.walk(visit),
            Node::Math(a, _, b) | Node::Compare(a, _, b) => {
                a.walk(visit);
                b.walk(visit);
            }
            Node::Negative(node) | Node::Not(node) => node.walk(visit),
        }
    }
}

/// What a text names.
pub(crate) enum Name<'n> {
    Path(&'n Path),
    Function(&'n str),
}

impl Call {
    pub(crate) fn walk<'n>(&'n self, visit: &mut impl FnMut(Name<'n>)) {
        visit(Name::Function(&self.name));
        self.arguments.iter().for_each(|argument| argument.value.walk(visit));
        self.keys.iter().for_each(|key| key.walk(visit));
    }
}

impl Statement {
    pub(crate) fn walk<'n>(&'n self, visit: &mut impl FnMut(Name<'n>)) {
        self.editor.walk(visit);
        if let Some(condition) = &self.condition {
            condition.walk(visit);
        }
    }
}
