//! From words to trees, by recursive descent over the Collector's grammar.

use crate::lex::{Fault, Kind, Token, tokens};
use crate::syntax::{Argument, Call, Comparison, Node, Operator, Path, Segment, Statement};

/// Deeper texts are refused: a tree is walked by recursion.
const DEPTH: usize = 64;

/// Longer texts are refused.
const LENGTH: usize = 64 << 10;

/// A condition.
pub(crate) fn condition(source: &str) -> Result<Node, Fault> {
    let mut parser = Parser::new(source)?;
    let node = parser.either()?;
    parser.end()?;
    Ok(node)
}

/// A statement: an editor, and after `where` a condition.
pub(crate) fn statement(source: &str) -> Result<Statement, Fault> {
    let mut parser = Parser::new(source)?;
    let at = parser.at();
    let Some(name) = parser.take_name() else {
        return Err(Fault::new(at, "a statement starts with an editor, such as `set`"));
    };
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        let problem = ["`", &name, "` is no editor: those start with a lower-case letter"].concat();
        return Err(Fault::new(at, problem));
    }
    if !parser.is_sign("(") {
        return Err(Fault::new(parser.at(), ["expected `(` after `", &name, "`"].concat()));
    }
    let editor = parser.call(at, name)?;
    if !editor.keys.is_empty() {
        return Err(Fault::new(at, "an editor has no result that could be indexed"));
    }
    let condition = if parser.take_word("where") { Some(parser.either()?) } else { None };
    parser.end()?;
    Ok(Statement { editor, condition })
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn new(source: &str) -> Result<Parser, Fault> {
        if source.len() > LENGTH {
            return Err(Fault::new(0, "is longer than 64 KiB"));
        }
        Ok(Parser { tokens: tokens(source)?, next: 0, end: source.len(), depth: 0 })
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |token| token.at)
    }

    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Kind::Sign(found)) if *found == sign)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let is = self.is_sign(sign);
        self.next += usize::from(is);
        is
    }

    fn take_word(&mut self, word: &str) -> bool {
        let is = matches!(self.peek(), Some(Kind::Name(name)) if name == word);
        self.next += usize::from(is);
        is
    }

    fn take_name(&mut self) -> Option<String> {
        let Some(Kind::Name(name)) = self.peek() else { return None };
        let name = name.clone();
        self.next += 1;
        Some(name)
    }

    fn expect(&mut self, sign: &str) -> Result<(), Fault> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.expected(&["`", sign, "`"].concat())) }
    }

    fn expected(&self, what: &str) -> Fault {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(Kind::Name(name)) => ["`", name, "`"].concat(),
            Some(Kind::Sign(sign)) => ["`", sign, "`"].concat(),
            Some(Kind::Text(_)) => "a text".to_owned(),
            Some(Kind::Bytes(_)) => "bytes".to_owned(),
            Some(Kind::Int(_) | Kind::Double(_)) => "a number".to_owned(),
        };
        Fault::new(self.at(), ["expected ", what, ", found ", &found].concat())
    }

    fn end(&self) -> Result<(), Fault> {
        if self.next == self.tokens.len() { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// Goes one level down, as far as that is allowed.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.depth == DEPTH {
            return Err(Fault::new(self.at(), "is nested more than 64 levels deep"));
        }
        self.depth += 1;
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Conditions between `or`.
    fn either(&mut self) -> Result<Node, Fault> {
        self.deeper(|parser| {
            let mut any = vec![parser.both()?];
            while parser.take_word("or") {
                any.push(parser.both()?);
            }
            Ok(one_or(any, Node::Any))
        })
    }

    /// Conditions between `and`.
    fn both(&mut self) -> Result<Node, Fault> {
        let mut all = vec![self.negatable()?];
        while self.take_word("and") {
            all.push(self.negatable()?);
        }
        Ok(one_or(all, Node::All))
    }

    fn negatable(&mut self) -> Result<Node, Fault> {
        if self.take_word("not") {
            return Ok(Node::Not(Box::new(self.truth()?)));
        }
        self.truth()
    }

    /// A comparison, a truth value, a converter that gives one, or a condition in parentheses.
    fn truth(&mut self) -> Result<Node, Fault> {
        let start = self.next;
        let compared = self.comparison();
        let fault = match compared {
            Ok(node) => return Ok(node),
            Err(fault) => fault,
        };
        // How far the comparison got tells what was meant, where nothing else fits either.
        self.next = start;
        if self.take_sign("(") {
            let inner = self.either()?;
            self.expect(")")?;
            return Ok(inner);
        }
        match self.peek() {
            Some(Kind::Name(name)) if name == "true" || name == "false" => {
                let truth = name == "true";
                self.next += 1;
                Ok(Node::Bool(truth))
            }
            Some(Kind::Name(name)) if starts_upper(name) => {
                let value = self.operand();
                match value {
                    Ok(Node::Call(call)) => Ok(Node::Call(call)),
                    _ => Err(fault),
                }
            }
            _ => Err(fault),
        }
    }

    fn comparison(&mut self) -> Result<Node, Fault> {
        let left = self.value()?;
        let comparison = match self.peek() {
            Some(Kind::Sign("==")) => Comparison::Equal,
            Some(Kind::Sign("!=")) => Comparison::NotEqual,
            Some(Kind::Sign("<")) => Comparison::Less,
            Some(Kind::Sign("<=")) => Comparison::LessOrEqual,
            Some(Kind::Sign(">")) => Comparison::Greater,
            Some(Kind::Sign(">=")) => Comparison::GreaterOrEqual,
            _ => return Err(self.expected("a comparison, such as `==`")),
        };
        self.next += 1;
        let right = self.value()?;
        Ok(Node::Compare(Box::new(left), comparison, Box::new(right)))
    }

    /// A value: of sums, products, and what they are made of.
    fn value(&mut self) -> Result<Node, Fault> {
        self.deeper(Parser::sum)
    }

    fn sum(&mut self) -> Result<Node, Fault> {
        self.chain(Parser::product, |sign| match sign {
            "+" => Some(Operator::Plus),
            "-" => Some(Operator::Minus),
            _ => None,
        })
    }

    fn product(&mut self) -> Result<Node, Fault> {
        self.chain(Parser::operand, |sign| match sign {
            "*" => Some(Operator::Times),
            "/" => Some(Operator::Over),
            _ => None,
        })
    }

    fn chain(
        &mut self,
        part: impl Fn(&mut Parser) -> Result<Node, Fault>,
        operator: impl Fn(&str) -> Option<Operator>,
    ) -> Result<Node, Fault> {
        let mut left = part(self)?;
        let mut length = 0;
        while let Some(operator) = match self.peek() {
            Some(Kind::Sign(sign)) => operator(sign),
            _ => None,
        } {
            // A chain leans to the left, so that its tree is as deep as it is long.
            length += 1;
            if length > DEPTH {
                return Err(Fault::new(self.at(), "is a chain of more than 64 operators; use parentheses"));
            }
            self.next += 1;
            let right = part(self)?;
            left = Node::Math(Box::new(left), operator, Box::new(right));
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Node, Fault> {
        let at = self.at();
        let Some(kind) = self.peek().cloned() else { return Err(self.expected("a value")) };
        self.next += 1;
        match kind {
            Kind::Bytes(bytes) => Ok(Node::Bytes(bytes)),
            Kind::Double(double) => Ok(Node::Double(double)),
            Kind::Int(int) => Ok(Node::Int(int)),
            Kind::Text(text) => Ok(Node::Text(text)),
            Kind::Sign("+") => self.deeper(Parser::operand),
            Kind::Sign("-") => Ok(match self.deeper(Parser::operand)? {
                Node::Int(int) => Node::Int(int.wrapping_neg()),
                Node::Double(double) => Node::Double(-double),
                node => Node::Negative(Box::new(node)),
            }),
            Kind::Sign("(") => {
                let inner = self.value()?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Sign("[") => Ok(Node::List(self.list("]", Parser::value)?)),
            Kind::Sign("{") => Ok(Node::Map(self.list("}", Parser::entry)?)),
            Kind::Name(name) => match name.as_str() {
                "nil" => Ok(Node::Nil),
                "true" => Ok(Node::Bool(true)),
                "false" => Ok(Node::Bool(false)),
                _ if self.is_sign("(") => {
                    if !starts_upper(&name) {
                        let problem = ["`", &name, "` is an editor; a converter starts with an upper-case letter"];
                        return Err(Fault::new(at, problem.concat()));
                    }
                    Ok(Node::Call(self.deeper(|parser| parser.call(at, name))?))
                }
                _ if starts_upper(&name) => Ok(Node::Symbol(at, name)),
                _ => self.path(at, name),
            },
            Kind::Sign(_) => {
                self.next -= 1;
                Err(self.expected("a value"))
            }
        }
    }

    fn path(&mut self, at: usize, first: String) -> Result<Node, Fault> {
        let mut segments = vec![Segment { name: first, keys: self.keys()? }];
        while self.take_sign(".") {
            let Some(name) = self.take_name() else { return Err(self.expected("the name of a field")) };
            segments.push(Segment { name, keys: self.keys()? });
        }
        Ok(Node::Path(Path { at, segments }))
    }

    fn keys(&mut self) -> Result<Vec<Node>, Fault> {
        let mut keys = Vec::new();
        while self.take_sign("[") {
            keys.push(self.value()?);
            self.expect("]")?;
        }
        Ok(keys)
    }

    /// The rest of a call, from its parenthesis on.
    fn call(&mut self, at: usize, name: String) -> Result<Call, Fault> {
        self.expect("(")?;
        let arguments = self.list(")", Parser::argument)?;
        Ok(Call { at, name, arguments, keys: self.keys()? })
    }

    fn argument(&mut self) -> Result<Argument, Fault> {
        let start = self.next;
        if let Some(name) = self.take_name() {
            if self.take_sign("=") {
                return Ok(Argument { name: Some(name), value: self.value()? });
            }
            self.next = start;
        }
        Ok(Argument { name: None, value: self.value()? })
    }

    fn entry(&mut self) -> Result<(String, Node), Fault> {
        let Some(Kind::Text(key)) = self.peek().cloned() else { return Err(self.expected("a key in quotes")) };
        self.next += 1;
        self.expect(":")?;
        Ok((key, self.value()?))
    }

    /// Parts between commas, up to the closing sign.
    fn list<T>(
        &mut self,
        close: &'static str,
        part: impl Fn(&mut Parser) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut parts = Vec::new();
        if self.take_sign(close) {
            return Ok(parts);
        }
        loop {
            parts.push(part(self)?);
            if self.take_sign(close) {
                return Ok(parts);
            }
            if !self.take_sign(",") {
                return Err(self.expected(&["`,` or `", close, "`"].concat()));
            }
        }
    }
}

fn starts_upper(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

fn one_or(mut nodes: Vec<Node>, many: impl FnOnce(Vec<Node>) -> Node) -> Node {
    match nodes.pop() {
        Some(only) if nodes.is_empty() => only,
        Some(last) => {
            nodes.push(last);
            many(nodes)
        }
        None => many(nodes),
    }
}
