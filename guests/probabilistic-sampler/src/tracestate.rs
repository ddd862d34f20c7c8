//! The trace state of a span, as W3C and OpenTelemetry write it: `ot=rv:…;th:…` and what others have put there.

use crate::probability;

/// A parsed trace state, as far as it could be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TraceState {
    /// OpenTelemetry's random number, and as it was written where it came so: of most spans nothing is written.
    randomness: Option<(u64, Option<String>)>,
    threshold: Option<(u64, Option<String>)>,
    /// OpenTelemetry's other values.
    own: Vec<(String, String)>,
    /// What others have put there.
    others: Vec<(String, String)>,
}

/// Something is wrong in a trace state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

const MEMBERS: usize = 32;
const LENGTH: usize = 1024;
const KEY: usize = 256;
const TENANT: usize = 241;
const SYSTEM: usize = 14;
const VALUE: usize = 256;
const OWN_LENGTH: usize = 256;

impl TraceState {
    /// Reads a trace state, and says whether all of it could be read.
    pub(crate) fn parse(text: &str) -> (TraceState, Result<(), Malformed>) {
        let mut state = TraceState::default();
        if text.is_empty() {
            return (state, Ok(()));
        }
        let members = || text.split(',').map(|member| member.trim_matches([' ', '\t']));
        let is_valid = |member: &str| member.is_empty() || member.split_once('=').is_some_and(is_member);
        if text.len() > LENGTH || !members().all(is_valid) {
            return (state, Err(Malformed));
        }
        let mut sound = Ok(());
        // A comma at the end has no member behind it.
        let count = text.strip_suffix(',').unwrap_or(text).split(',').count();
        for (at, member) in members().take(count).enumerate() {
            if at + 1 >= MEMBERS {
                return (state, Err(Malformed));
            }
            let Some((key, value)) = member.split_once('=') else { continue };
            let is_long = key.len() > KEY
                || key.split_once('@').is_some_and(|(tenant, system)| tenant.len() > TENANT || system.len() > SYSTEM);
            if is_long {
                sound = Err(Malformed);
            } else if key == "ot" {
                sound = state.take_own(value).and(sound);
            } else {
                state.others.push((key.to_owned(), value.to_owned()));
            }
        }
        (state, sound)
    }

    /// Takes OpenTelemetry's part, which takes the place of one that came before.
    fn take_own(&mut self, text: &str) -> Result<(), Malformed> {
        (self.randomness, self.threshold) = (None, None);
        self.own.clear();
        let is_valid = |member: &str| member.split_once(':').is_some_and(is_own_member);
        if text.len() > OWN_LENGTH || !text.split(';').all(is_valid) {
            return Err(Malformed);
        }
        let mut sound = Ok(());
        for (key, value) in text.split(';').filter_map(|member| member.split_once(':')) {
            let with_text = |number: u64| (number, Some(value.to_owned()));
            match key {
                "rv" => {
                    self.randomness = probability::read_randomness(value).map(with_text);
                    sound = self.randomness.as_ref().map(|_| ()).ok_or(Malformed).and(sound);
                }
                "th" => {
                    self.threshold = probability::read_threshold(value).map(with_text);
                    sound = self.threshold.as_ref().map(|_| ()).ok_or(Malformed).and(sound);
                }
                _ => self.own.push((key.to_owned(), value.to_owned())),
            }
        }
        sound
    }

    pub(crate) fn randomness(&self) -> Option<u64> {
        self.randomness.as_ref().map(|(number, _)| *number)
    }

    pub(crate) fn threshold(&self) -> Option<u64> {
        self.threshold.as_ref().map(|(number, _)| *number)
    }

    pub(crate) fn set_randomness(&mut self, number: u64) {
        self.randomness = Some((number, None));
    }

    pub(crate) fn set_threshold(&mut self, threshold: u64) {
        self.threshold = Some((threshold, None));
    }

    /// As it is written.
    pub(crate) fn written(&self) -> String {
        let text = |value: &Option<(u64, Option<String>)>, write: fn(u64) -> String| {
            value.as_ref().map(|(number, text)| text.clone().unwrap_or_else(|| write(*number)))
        };
        let randomness = text(&self.randomness, probability::hex);
        let named = [("rv", randomness), ("th", text(&self.threshold, probability::written))];
        let named = named.into_iter().filter_map(|(key, text)| Some((key, text.filter(|text| !text.is_empty())?)));
        let mut own = String::new();
        let extra = self.own.iter().map(|(key, value)| (key.as_str(), value.clone()));
        for (key, value) in named.chain(extra) {
            if !own.is_empty() {
                own.push(';');
            }
            own.push_str(key);
            own.push(':');
            own.push_str(&value);
        }
        let mut out = if own.is_empty() { own } else { "ot=".to_owned() + &own };
        for (key, value) in &self.others {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(key);
            out.push('=');
            out.push_str(value);
        }
        out
    }
}

fn is_member((key, value): (&str, &str)) -> bool {
    is_key(key) && is_value(value)
}

fn is_key(key: &str) -> bool {
    let rest = |text: &str| {
        text.bytes()
            .skip(1)
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/'))
    };
    let lower = |text: &str| text.starts_with(|c: char| c.is_ascii_lowercase());
    match key.split_once('@') {
        Some((tenant, system)) => {
            let begins = lower(tenant) || tenant.starts_with(|c: char| c.is_ascii_digit());
            begins && lower(system) && rest(tenant) && rest(system)
        }
        None => lower(key) && rest(key),
    }
}

fn is_value(value: &str) -> bool {
    let is_character = |byte: u8| matches!(byte, 0x20..=0x2b | 0x2d..=0x3c | 0x3e..=0x7e);
    !value.is_empty() && value.len() <= VALUE && value.bytes().all(is_character) && !value.ends_with(' ')
}

fn is_own_member((key, value): (&str, &str)) -> bool {
    let is_value = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        && value.bytes().all(is_value)
}
