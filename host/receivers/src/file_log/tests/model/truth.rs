//! What has to come of each line, by what was done with what it lies in.

use std::collections::HashMap;

/// So often a body has to be looked at in one life for its lines to be owed.
const LOOKS: u32 = 3;

/// What lines lie in: content that is moved, copied and packed, and one day gone.
#[derive(Debug, Default)]
struct Body {
    lines: Vec<String>,
    looks: u32,
    is_lost: bool,
}

#[derive(Default)]
pub(super) struct Truth {
    bodies: Vec<Body>,
    arrived: HashMap<String, u32>,
    /// What may come again, as a kill was between it and the checkpoint.
    excused: HashMap<String, u32>,
}

impl Truth {
    pub(super) fn new_body(&mut self) -> usize {
        self.bodies.push(Body::default());
        self.bodies.len() - 1
    }

    pub(super) fn wrote(&mut self, body: usize, line: &str) {
        self.bodies[body].lines.push(line.trim_end().to_owned());
    }

    /// The tailer looked while this stood where it looks.
    pub(super) fn looked(&mut self, body: usize) {
        let body = &mut self.bodies[body];
        body.looks += u32::from(!body.lines.is_empty());
    }

    /// It is gone, and nobody can have it any more.
    pub(super) fn lost(&mut self, body: usize) {
        self.bodies[body].is_lost = true;
    }

    /// A life ended: nobody has what is not there any more, and what was not looked at often enough may be unknown.
    pub(super) fn killed(&mut self, there: &[usize]) {
        for (_, body) in self.bodies.iter_mut().enumerate().filter(|(at, _)| !there.contains(at)) {
            body.is_lost = true;
        }
        self.bodies.iter_mut().filter(|body| body.looks < LOOKS).for_each(|body| body.looks = 0);
    }

    pub(super) fn arrived(&mut self, line: &str) {
        *self.arrived.entry(line.to_owned()).or_default() += 1;
    }

    pub(super) fn may_come_again(&mut self, line: &str) {
        *self.excused.entry(line.to_owned()).or_default() += 1;
    }

    /// What is wrong.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (at, body) in self.bodies.iter().enumerate() {
            let is_owed = body.looks >= LOOKS && !body.is_lost;
            let missing: Vec<&String> =
                body.lines.iter().filter(|line| is_owed && !self.arrived.contains_key(*line)).collect();
            if let Some(first) = missing.first() {
                problems.push(format!("{} of {} lines of body {at} missing: {first}", missing.len(), body.lines.len()));
            }
            let again = |line: &&String| {
                self.arrived.get(*line).copied().unwrap_or(0) > 1 + self.excused.get(*line).copied().unwrap_or(0)
            };
            let twice: Vec<&String> = body.lines.iter().filter(again).collect();
            if let Some(first) = twice.first() {
                problems.push(format!("{} of {} lines of body {at} twice: {first}", twice.len(), body.lines.len()));
            }
        }
        let known: std::collections::HashSet<&str> =
            self.bodies.iter().flat_map(|body| &body.lines).map(String::as_str).collect();
        problems.extend(
            self.arrived
                .keys()
                .filter(|line| !known.contains(line.as_str()))
                .map(|line| format!("no line of anybody's: {line}")),
        );
        problems
    }
}
