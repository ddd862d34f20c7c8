//! What is done to the headers of one request.

use std::sync::Arc;

use host_component::{BoxFuture, ClientAuth, Failure, HeaderAction, HeaderChange, Origin};

/// The extension at work.
pub(super) struct Setter {
    pub(super) rules: Vec<Rule>,
    pub(super) additional: Option<Arc<dyn ClientAuth>>,
}

/// What is done to one header.
pub(super) struct Rule {
    /// In lower case.
    pub(super) name: String,
    pub(super) action: HeaderAction,
    pub(super) value: Value,
}

/// What a header is to say.
pub(super) enum Value {
    Fixed(String),
    Metadata { key: String, otherwise: Option<String> },
}

impl Rule {
    /// Nothing where there is no value for it.
    fn change(&self, origin: &Origin) -> Result<Option<HeaderChange>, Failure> {
        let change = |value: String| HeaderChange { name: self.name.clone(), action: self.action, value };
        // What goes away needs nothing to say.
        if self.action == HeaderAction::Delete {
            return Ok(Some(change(String::new())));
        }
        let (key, otherwise) = match &self.value {
            Value::Fixed(value) => return Ok(Some(change(value.clone()))),
            Value::Metadata { key, otherwise } => (key, otherwise),
        };
        let mut values = origin.values(key);
        match (values.next(), values.next()) {
            (None, _) => Ok(otherwise.clone().map(change)),
            (Some(value), None) => Ok(Some(change(value.to_owned()))),
            (Some(_), Some(_)) => Err(Failure::permanent(format!(
                "the header {} is to be that of the request, {key}, which has several values there",
                self.name
            ))),
        }
    }
}

impl ClientAuth for Setter {
    fn credentials<'a>(&'a self, origin: &'a Origin) -> BoxFuture<'a, Result<Vec<HeaderChange>, Failure>> {
        Box::pin(async move {
            let mut changes = match &self.additional {
                Some(additional) => additional.credentials(origin).await?,
                None => Vec::new(),
            };
            for rule in &self.rules {
                changes.extend(rule.change(origin)?);
            }
            Ok(changes)
        })
    }

    fn refused(&self) -> bool {
        self.additional.as_ref().is_some_and(|additional| additional.refused())
    }

    fn is_secret(&self) -> bool {
        self.additional.as_ref().is_some_and(|additional| additional.is_secret())
    }

    fn metadata(&self) -> Vec<String> {
        let keys = self.rules.iter().filter_map(|rule| match &rule.value {
            Value::Metadata { key, .. } => Some(key.clone()),
            Value::Fixed(_) => None,
        });
        let additional = self.additional.iter().flat_map(|additional| additional.metadata());
        keys.chain(additional).collect()
    }
}
