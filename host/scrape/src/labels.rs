//! Labels are names with values, no name twice and no value empty, in the order of their names.

/// The name of the metric.
pub(crate) const NAME: &str = "__name__";

/// The labels of one target or series.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Labels(Vec<(String, String)>);

impl Labels {
    pub(crate) fn new() -> Self {
        Labels::default()
    }

    /// The value, which is empty where there is no such label.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.find(name).ok().and_then(|at| self.0.get(at)).map_or("", |(_, value)| value)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// Sets a label; an empty value takes it out.
    pub(crate) fn set(&mut self, name: impl Into<String> + AsRef<str>, value: impl Into<String>) {
        let value = value.into();
        match (self.find(name.as_ref()), value.is_empty()) {
            (Ok(at), true) => {
                self.0.remove(at);
            }
            (Ok(at), false) => {
                if let Some((_, there)) = self.0.get_mut(at) {
                    *there = value;
                }
            }
            (Err(_), true) => {}
            (Err(at), false) => self.0.insert(at, (name.into(), value)),
        }
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<String> {
        self.find(name).ok().map(|at| self.0.remove(at).1)
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(name, _)| keep(name));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(name))
    }
}

impl<N: Into<String> + AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Labels::new();
        for (name, value) in pairs {
            labels.set(name, value);
        }
        labels
    }
}
