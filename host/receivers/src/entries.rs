//! What the receivers of logs share: entries, the operators that they go through, and the way on.

pub(crate) mod entry;
pub(crate) mod expression;
pub(crate) mod field;
pub(crate) mod lines;
pub(crate) mod operators;
pub(crate) mod road;
pub(crate) mod settings;
pub(crate) mod way;
