//! What the name of an image says.

/// An image as a container names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Image<'a> {
    pub repository: &'a str,
    /// `latest` where nothing is said of a version.
    pub tag: Option<&'a str>,
    pub digest: Option<&'a str>,
    is_tagged: bool,
}

impl<'a> Image<'a> {
    /// None where it is none.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest).filter(|digest| !digest.is_empty())),
            None => (text, None),
        };
        // A colon before the last slash stands before the port of a registry.
        let path = name.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match name.get(path..)?.split_once(':') {
            Some((last, tag)) => (name.get(..path + last.len())?, Some(tag).filter(|tag| !tag.is_empty())),
            None => (name, None),
        };
        let is_tagged = tag.is_some();
        let tag = tag.or_else(|| digest.is_none().then_some("latest"));
        (!repository.is_empty()).then_some(Image { repository, tag, digest, is_tagged })
    }

    /// The version of a service that runs it: its tag, its digest, or both.
    pub fn version(&self) -> Option<String> {
        let tag = self.tag.filter(|_| self.is_tagged);
        match (tag, self.digest) {
            (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
            (Some(only), None) | (None, Some(only)) => Some(only.to_owned()),
            (None, None) => None,
        }
    }
}

/// The digest under which a repository has an image, by what the runtime says that it has pulled; none where it was not pulled.
pub fn repo_digest(image_id: &str) -> Option<String> {
    let pulled = image_id.split_once("://").map_or(image_id, |(_, name)| name);
    let (name, digest) = pulled.split_once('@')?;
    if name.is_empty() || digest.is_empty() {
        return None;
    }
    // What names no registry is in Docker's, and there without a slash among its own.
    let is_registry = |host: &str| host.contains(['.', ':']) || host == "localhost";
    Some(match name.split_once('/') {
        Some((host, _)) if is_registry(host) => pulled.to_owned(),
        Some(_) => format!("docker.io/{pulled}"),
        None => format!("docker.io/library/{pulled}"),
    })
}
