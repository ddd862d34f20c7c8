//! Programs: conditions that find rows, and statements that change them.

use sdk_collector::pattern::indexed;
use tidegate_sdk::{Batch, Context as Request, Edits, Error, Level, Plan, Signal, warn};

use crate::compile::Compiler;
use crate::config::{Group, Groups, Mode};
use crate::context::{self, Context};
use crate::editor::Editor;
use crate::expression::{Env, Expression};
use crate::lex::Fault;
use crate::parse;
use crate::store::{Layout, Lineage, Store};
use crate::syntax::Node;

/// A text of the configuration, where it stands, and how often it failed in this batch.
#[derive(Debug)]
struct Source {
    key: String,
    text: String,
}

/// Statements, group by group.
#[derive(Debug)]
pub struct Statements {
    layout: Layout,
    groups: Vec<StatementGroup>,
}

#[derive(Debug)]
struct StatementGroup {
    context: Context,
    mode: Mode,
    /// One of them has to hold, where there is any.
    conditions: Vec<(Source, Expression)>,
    statements: Vec<(Source, Editor, Option<Expression>)>,
}

/// Conditions that tell of rows.
#[derive(Debug, Default)]
pub struct Conditions {
    layout: Layout,
    list: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    context: Context,
    mode: Mode,
    source: Source,
    expression: Expression,
}

/// The rows of a context for which a condition holds.
pub struct Found {
    /// Their context.
    pub context: Context,
    /// By row, whether it holds.
    pub rows: Vec<bool>,
}

/// As the operator reads it.
fn error(key: &str, fault: &Fault, text: &str) -> Error {
    let column = text.get(..fault.at).map_or(0, |before| before.chars().count()) + 1;
    Error::at(key, &["at column ", &column.to_string(), ": ", &fault.problem].concat())
}

/// The context that a group names.
fn named(signal: Signal, group: &Group, key: &str) -> Result<Option<Context>, Error> {
    if group.context.is_empty() {
        return Ok(None);
    }
    let contexts = Context::of(signal);
    let found = Context::named(&group.context.to_ascii_lowercase()).filter(|context| contexts.contains(context));
    found.map(Some).ok_or_else(|| {
        let names: Vec<&str> = contexts.iter().map(|context| context.name()).collect();
        Error::at(&[key, ".context"].concat(), &["is none of ", &names.join(", ")].concat())
    })
}

/// Reads something at the level of each context, so that its rows can be counted.
fn see_rows(layout: &Layout, contexts: impl Iterator<Item = Context>, plan: &mut Plan) {
    for context in contexts {
        if !layout.reads_at(context.level()) {
            plan.read(context.cheap_field());
        }
    }
}

impl Statements {
    /// Compiles what stands under `key` for a signal.
    ///
    /// # Errors
    /// What is wrong with it, by its key and column.
    pub fn new(signal: Signal, key: &str, groups: Groups, mode: Mode, plan: &mut Plan) -> Result<Statements, Error> {
        let mut layout = Layout::default();
        let mut compiled = Vec::new();
        for keyed in groups.keyed(key, Group::of_statements)? {
            let group = &keyed.group;
            if group.statements.is_empty() {
                return Err(Error::at(&keyed.key, "has no statements"));
            }
            let mut statements = Vec::new();
            for (at, text) in group.statements.iter().enumerate() {
                let source = Source { key: indexed(&keyed.statements, at), text: text.clone() };
                let parsed = parse::statement(text).map_err(|fault| error(&source.key, &fault, text))?;
                statements.push((source, parsed));
            }
            let conditions = group.conditions.iter().enumerate();
            let conditions = conditions.map(|(at, text)| parsed_condition(indexed(&keyed.conditions, at), text));
            let conditions = conditions.collect::<Result<Vec<_>, Error>>()?;
            let context = match named(signal, group, &keyed.key)? {
                Some(context) => context,
                None => {
                    let each = statements.iter().map(|(source, parsed)| {
                        let found = context::inferred(signal, |visit| parsed.walk(&mut |name| visit(name)));
                        found.map_err(|fault| error(&source.key, &fault, &source.text))
                    });
                    let of_conditions = conditions.iter().map(|(source, node)| inferred(signal, source, node));
                    let all: Result<Vec<Context>, Error> = each.chain(of_conditions).collect();
                    all?.into_iter().max().unwrap_or(Context::Resource)
                }
            };
            let compile = |source: &Source| Compiling { signal, context, key: source.key.clone(), is_read_only: false };
            let mut ready = StatementGroup {
                context,
                mode: group.error_mode.unwrap_or(mode),
                conditions: Vec::new(),
                statements: Vec::new(),
            };
            for (source, node) in conditions {
                let condition = compile(&source).run(&mut layout, |compiler| compiler.condition(&node));
                let condition = condition.map_err(|fault| error(&source.key, &fault, &source.text))?;
                ready.conditions.push((source, condition));
            }
            for (source, parsed) in statements {
                let fault = |fault: Fault| error(&source.key, &fault, &source.text);
                let condition = parsed
                    .condition
                    .as_ref()
                    .map(|node| compile(&source).run(&mut layout, |compiler| compiler.condition(node)).map_err(fault));
                let condition = condition.transpose()?;
                let editor = compile(&source).run(&mut layout, |compiler| compiler.editor(&parsed.editor));
                let editor = editor.map_err(fault)?;
                ready.statements.push((source, editor, condition));
            }
            compiled.push(ready);
        }
        layout.plan(plan);
        see_rows(&layout, compiled.iter().map(|group| group.context), plan);
        Ok(Statements { layout, groups: compiled })
    }

    /// Runs them over a batch.
    ///
    /// # Errors
    /// A statement failed whose group propagates errors.
    pub fn run(&self, request: &Request, batch: &Batch<'_>, edits: &mut Edits) -> Result<(), Error> {
        let mut store = Store::new(&self.layout, batch);
        let now = request.now().cast_signed();
        for group in &self.groups {
            let level = group.context.level();
            let lineage = Lineage::new(batch, level, above(&self.layout, level));
            let mut told = Told::new(group.mode, group.conditions.len() + group.statements.len());
            for row in 0..batch.count(level) {
                let at = lineage.at(row);
                store.cache = Default::default();
                let mut is_meant = group.conditions.is_empty();
                for (number, (source, condition)) in group.conditions.iter().enumerate() {
                    let holds = condition.holds(Env { store: &store, at, now });
                    is_meant = is_meant || told.value(number, source, holds)?.unwrap_or_default();
                }
                if !is_meant {
                    continue;
                }
                for (number, (source, editor, condition)) in group.statements.iter().enumerate() {
                    let number = group.conditions.len() + number;
                    if let Some(condition) = condition {
                        let holds = condition.holds(Env { store: &store, at, now });
                        if told.value(number, source, holds)? != Some(true) {
                            continue;
                        }
                    }
                    let done = editor.run(&self.layout, &mut store, at, now);
                    told.value(number, source, done)?;
                }
            }
            told.finish(
                group
                    .conditions
                    .iter()
                    .map(|(source, _)| source)
                    .chain(group.statements.iter().map(|(source, ..)| source)),
            );
        }
        store.write(&self.layout, edits);
        Ok(())
    }
}

/// What a compiler needs to know, but for the layout.
struct Compiling {
    signal: Signal,
    context: Context,
    key: String,
    is_read_only: bool,
}

impl Compiling {
    fn run<T>(&self, layout: &mut Layout, compile: impl FnOnce(&mut Compiler<'_>) -> T) -> T {
        let Compiling { signal, context, ref key, is_read_only } = *self;
        compile(&mut Compiler { signal, context, layout, is_read_only, key })
    }
}

fn parsed_condition(key: String, text: &str) -> Result<(Source, Node), Error> {
    let node = parse::condition(text).map_err(|fault| error(&key, &fault, text))?;
    Ok((Source { key, text: text.to_owned() }, node))
}

fn inferred(signal: Signal, source: &Source, node: &Node) -> Result<Context, Error> {
    let found = context::inferred(signal, |visit| node.walk(&mut |name| visit(name)));
    found.map_err(|fault| error(&source.key, &fault, &source.text))
}

/// The levels of a layout that are above one.
fn above(layout: &Layout, level: Level) -> impl Iterator<Item = Level> {
    layout.levels().filter(move |other| (*other as usize) < (level as usize))
}

impl Conditions {
    /// Adds the groups that stand under `key`.
    ///
    /// # Errors
    /// What is wrong with it, by its key and column.
    pub fn add_groups(&mut self, signal: Signal, key: &str, groups: Groups, mode: Mode) -> Result<(), Error> {
        for keyed in groups.keyed(key, Group::of_conditions)? {
            let group = &keyed.group;
            if group.conditions.is_empty() {
                return Err(Error::at(&keyed.key, "has no conditions"));
            }
            let context = named(signal, group, &keyed.key)?;
            let mode = group.error_mode.unwrap_or(mode);
            for (at, text) in group.conditions.iter().enumerate() {
                self.add(signal, indexed(&keyed.conditions, at), text, context, mode)?;
            }
        }
        Ok(())
    }

    /// Adds what stands at `key`; without a context it has the one that it names.
    ///
    /// # Errors
    /// What is wrong with it, by its key and column.
    pub fn add(
        &mut self,
        signal: Signal,
        key: String,
        text: &str,
        context: Option<Context>,
        mode: Mode,
    ) -> Result<(), Error> {
        let (source, node) = parsed_condition(key, text)?;
        let context = context.map_or_else(|| inferred(signal, &source, &node), Ok)?;
        let compiling = Compiling { signal, context, key: source.key.clone(), is_read_only: true };
        let expression = compiling.run(&mut self.layout, |compiler| compiler.condition(&node));
        let expression = expression.map_err(|fault| error(&source.key, &fault, &source.text))?;
        self.list.push(Condition { context, mode, source, expression });
        Ok(())
    }

    /// Asks the host for what they look at.
    pub fn plan(&mut self, plan: &mut Plan) {
        self.layout.plan(plan);
        see_rows(&self.layout, self.list.iter().map(|condition| condition.context), plan);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The rows for which any of them holds, by context from the outermost to the innermost.
    ///
    /// # Errors
    /// A condition failed that propagates errors.
    pub fn find(&self, request: &Request, batch: &Batch<'_>) -> Result<Vec<Found>, Error> {
        let mut contexts: Vec<Context> = self.list.iter().map(|condition| condition.context).collect();
        contexts.sort();
        contexts.dedup();
        let mut found: Vec<Found> = contexts
            .into_iter()
            .map(|context| Found { context, rows: vec![false; batch.count(context.level()) as usize] })
            .collect();
        let store = Store::new(&self.layout, batch);
        for condition in &self.list {
            if let Some(found) = found.iter_mut().find(|found| found.context == condition.context) {
                condition.find(&self.layout, &store, request, batch, &mut found.rows)?;
            }
        }
        Ok(found)
    }

    /// For each condition the rows for which it holds.
    ///
    /// # Errors
    /// A condition failed that propagates errors.
    pub fn find_each(&self, request: &Request, batch: &Batch<'_>) -> Result<Vec<Found>, Error> {
        let store = Store::new(&self.layout, batch);
        let each = self.list.iter().map(|condition| {
            let context = condition.context;
            let mut rows = vec![false; batch.count(context.level()) as usize];
            condition.find(&self.layout, &store, request, batch, &mut rows)?;
            Ok(Found { context, rows })
        });
        each.collect()
    }
}

impl Condition {
    /// Runs it on the rows for which none has held.
    fn find(
        &self,
        layout: &Layout,
        store: &Store<'_>,
        request: &Request,
        batch: &Batch<'_>,
        rows: &mut [bool],
    ) -> Result<(), Error> {
        let level = self.context.level();
        let lineage = Lineage::new(batch, level, above(layout, level));
        let now = request.now().cast_signed();
        let mut told = Told::new(self.mode, 1);
        for (row, found) in (0..).zip(rows).filter(|(_, found)| !**found) {
            let holds = self.expression.holds(Env { store, at: lineage.at(row), now });
            *found = told.value(0, &self.source, holds)?.unwrap_or_default();
        }
        told.finish(std::iter::once(&self.source));
        Ok(())
    }
}

/// What failed in a batch: the first problem of each text and how often it had one.
struct Told {
    mode: Mode,
    problems: Vec<Option<(String, u64)>>,
}

impl Told {
    fn new(mode: Mode, texts: usize) -> Told {
        Told { mode, problems: vec![None; texts] }
    }

    /// The value, or nothing where there is a problem that is ignored.
    fn value<T>(&mut self, text: usize, source: &Source, outcome: Result<T, String>) -> Result<Option<T>, Error> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(problem) if self.mode == Mode::Propagate => Err(Error::at(&source.key, &problem)),
            Err(problem) => {
                match &mut self.problems[text] {
                    Some((_, count)) => *count += 1,
                    first => *first = Some((problem, 1)),
                }
                Ok(None)
            }
        }
    }

    /// Writes a line for each text that failed.
    fn finish<'s>(self, sources: impl Iterator<Item = &'s Source>) {
        if self.mode == Mode::Silent {
            return;
        }
        for (source, problem) in sources.zip(self.problems) {
            if let Some((problem, count)) = problem {
                warn!("{} failed on {count} rows of a batch: {problem}", source.key);
            }
        }
    }
}
