//! What each request shows of who asks: `authorization`, and headers that the configuration adds. Files are read anew when
//! they change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_config::Wrong;
use host_telemetry::Metrics;
use host_tls::{Fresh, Watch};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::{Http, is_set};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The headers as they are now.
pub(super) fn watched(http: &Http, owner: &str, base: &Path, metrics: &Metrics) -> Result<Fresh<HeaderMap>, Wrong> {
    let mut files: Vec<PathBuf> = http.http_headers.values().flat_map(|values| &values.files).cloned().collect();
    files.push(http.bearer_token_file.clone());
    files.extend(http.basic_auth.iter().flat_map(|basic| [&basic.username_file, &basic.password_file]).cloned());
    files.extend(http.authorization.iter().map(|authorization| authorization.credentials_file.clone()));
    let files = files.into_iter().filter(|path| is_set(path)).map(|path| base.join(path)).collect();
    let watch = Watch { owner: owner.to_owned(), what: "credentials", files, interval: LOOK };
    let (http, base) = (http.clone(), base.to_owned());
    Fresh::new(watch, metrics, move || headers(&http, &base))
}

fn headers(http: &Http, base: &Path) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::new();
    if let Some((key, value)) = authorization(http, base)? {
        let wrong = |_| Wrong::new(key, "it has characters that a header cannot have");
        let mut value = HeaderValue::from_str(&value).map_err(wrong)?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    for (name, values) in &http.http_headers {
        let key = format!("http_headers.{name}");
        let wrong = |what: &str| Wrong::new(key.as_str(), what);
        let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong("it is no name of a header"))?;
        let files = values.files.iter().map(|path| text(&key, base, path)).collect::<Result<Vec<_>, _>>()?;
        let secrets = values.secrets.iter().map(|secret| secret.as_str().to_owned());
        for value in values.values.iter().cloned().chain(secrets).chain(files) {
            let value = HeaderValue::from_str(&value);
            headers.append(&header, value.map_err(|_| wrong("it has characters that a header cannot have"))?);
        }
    }
    Ok(headers)
}

/// What `authorization` is to say, and the key that says so.
fn authorization(http: &Http, base: &Path) -> Result<Option<(&'static str, String)>, Wrong> {
    let either = |key: &str, written: &str, path: &Path| match is_set(path) {
        true => text(key, base, path),
        false => Ok(written.to_owned()),
    };
    if let Some(basic) = &http.basic_auth {
        let name = either("basic_auth.username_file", &basic.username, &basic.username_file)?;
        let password = either("basic_auth.password_file", basic.password.as_str(), &basic.password_file)?;
        return Ok(Some(("basic_auth", format!("Basic {}", STANDARD.encode(format!("{name}:{password}"))))));
    }
    if let Some(authorization) = &http.authorization {
        let credentials = authorization.credentials.as_str();
        let credentials = either("authorization.credentials_file", credentials, &authorization.credentials_file)?;
        if credentials.is_empty() {
            return Ok(None);
        }
        return Ok(Some(("authorization", format!("{} {credentials}", authorization.r#type.trim()))));
    }
    let token = either("bearer_token_file", http.bearer_token.as_str(), &http.bearer_token_file)?;
    Ok((!token.is_empty()).then(|| ("bearer_token", format!("Bearer {token}"))))
}

/// The text of a file, without what an editor leaves at its end.
fn text(key: &str, base: &Path, path: &Path) -> Result<String, Wrong> {
    let path = base.join(path);
    let read = host_tls::read(&path).and_then(|bytes| String::from_utf8(bytes).map_err(std::io::Error::other));
    let wrong = |error| Wrong::new(key, format!("cannot read {}: {error}", path.display()));
    read.map(|text| text.trim().to_owned()).map_err(wrong)
}
