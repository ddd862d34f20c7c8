//! `\d`, `\w`, `\s` and `\b` mean ASCII, as in Go's regexp: a rewrite of the syntax tree.
//!
//! On the tree and not on the text, so that escapes and brackets cannot be misread.

use regex_syntax::ast::{
    Assertion, AssertionKind, Ast, ClassBracketed, ClassPerl, ClassPerlKind, ClassSet, ClassSetItem, ClassSetRange,
    ClassSetUnion, Flag, Flags, FlagsItem, FlagsItemKind, Group, GroupKind, Literal, LiteralKind, Span,
};

/// Rewrites `ast` in place. Its depth is bounded by the parser's limit on nesting.
pub(super) fn rewrite(ast: &mut Ast) {
    match ast {
        Ast::Empty(_) | Ast::Flags(_) | Ast::Literal(_) | Ast::Dot(_) | Ast::ClassUnicode(_) => {}
        Ast::Assertion(assertion) => {
            if let Some(group) = boundary(assertion) {
                *ast = group;
            }
        }
        Ast::ClassPerl(perl) => *ast = without(perl.span, Flag::CaseInsensitive, Ast::class_bracketed(bracketed(perl))),
        Ast::ClassBracketed(class) => set(&mut class.kind),
        Ast::Repetition(repetition) => rewrite(&mut repetition.ast),
        Ast::Group(group) => rewrite(&mut group.ast),
        Ast::Alternation(list) => list.asts.iter_mut().for_each(rewrite),
        Ast::Concat(list) => list.asts.iter_mut().for_each(rewrite),
    }
}

/// `(?-f:inner)`.
fn without(span: Span, flag: Flag, inner: Ast) -> Ast {
    let items =
        vec![FlagsItem { span, kind: FlagsItemKind::Negation }, FlagsItem { span, kind: FlagsItemKind::Flag(flag) }];
    Ast::group(Group { span, kind: GroupKind::NonCapturing(Flags { span, items }), ast: Box::new(inner) })
}

fn boundary(assertion: &Assertion) -> Option<Ast> {
    match assertion.kind {
        AssertionKind::StartLine | AssertionKind::EndLine | AssertionKind::StartText | AssertionKind::EndText => None,
        _ => Some(without(assertion.span, Flag::Unicode, Ast::assertion(assertion.clone()))),
    }
}

fn set(set_: &mut ClassSet) {
    match set_ {
        ClassSet::Item(item) => item_(item),
        ClassSet::BinaryOp(op) => {
            set(&mut op.lhs);
            set(&mut op.rhs);
        }
    }
}

fn item_(item: &mut ClassSetItem) {
    match item {
        ClassSetItem::Perl(perl) => *item = ClassSetItem::Bracketed(Box::new(bracketed(perl))),
        ClassSetItem::Bracketed(class) => set(&mut class.kind),
        ClassSetItem::Union(union) => union.items.iter_mut().for_each(item_),
        ClassSetItem::Empty(_)
        | ClassSetItem::Literal(_)
        | ClassSetItem::Range(_)
        | ClassSetItem::Ascii(_)
        | ClassSetItem::Unicode(_) => {}
    }
}

fn bracketed(perl: &ClassPerl) -> ClassBracketed {
    let span = perl.span;
    let ranges: &[(char, char)] = match perl.kind {
        ClassPerlKind::Digit => &[('0', '9')],
        ClassPerlKind::Space => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        ClassPerlKind::Word => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
    };
    let literal = |c| Literal { span, kind: LiteralKind::Verbatim, c };
    let items = ranges
        .iter()
        .map(|&(start, end)| ClassSetItem::Range(ClassSetRange { span, start: literal(start), end: literal(end) }))
        .collect();
    ClassBracketed {
        span,
        negated: perl.negated,
        kind: ClassSet::Item(ClassSetItem::Union(ClassSetUnion { span, items })),
    }
}
