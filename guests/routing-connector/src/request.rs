//! Conditions on the request that brought the data: `request["X-Tenant"] == "acme"`.

use tidegate_sdk::Context;

/// One of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    /// In lower case, as metadata have it.
    pub(crate) key: String,
    value: String,
    is_equal: bool,
}

const FORM: &str = "is no condition on a request, such as `request[\"X-Tenant\"] == \"acme\"`";

impl Request {
    pub(crate) fn parse(text: &str) -> Result<Request, &'static str> {
        let rest = text.trim().strip_prefix("request").ok_or(FORM)?.trim_start();
        let rest = rest.strip_prefix('[').ok_or(FORM)?;
        let (key, rest) = quoted(rest.trim_start()).ok_or(FORM)?;
        let rest = rest.trim_start().strip_prefix(']').ok_or(FORM)?.trim_start();
        let (is_equal, rest) = match (rest.strip_prefix("=="), rest.strip_prefix("!=")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(FORM),
        };
        let (value, rest) = quoted(rest.trim_start()).ok_or(FORM)?;
        if !rest.trim().is_empty() {
            return Err(FORM);
        }
        Ok(Request { key: key.to_ascii_lowercase(), value: value.to_owned(), is_equal })
    }

    /// Whether it holds of a request: one that has not the key passes neither way.
    pub(crate) fn holds(&self, context: &Context) -> bool {
        context.metadata(&self.key).is_some_and(|value| (value == self.value) == self.is_equal)
    }
}

fn quoted(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('"')?.split_once('"')
}
