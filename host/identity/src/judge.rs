//! The judge looks at a payload for what its speaker may not say, and says what is to become of it.

use host_component::{ClusterKey, Subject};
use host_otlp::schema::{Kind, Message};
use host_otlp::wire::{Field, Fields, WireType};
use host_otlp::{Payload, Segment, strip};

use crate::config::OnViolation;
use crate::rewrite::{self, Change, What};
use crate::rules::Speaker;
use crate::walk::{Next, parts, walk};
use crate::words::Words;

/// So many changes at a time are asked room for.
const AT_A_TIME: usize = 64;
/// What a change takes at the most while it is made, besides what it writes.
const PER_CHANGE: usize = 160;

/// A claim that does not hold: the first one of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation<'a> {
    pub subject: Subject,
    /// What was claimed; none where it is no text.
    pub claimed: Option<&'a str>,
}

/// A payload that was looked at.
#[derive(Debug)]
pub struct Judged {
    /// What may go on.
    pub payload: Payload,
    /// The items of the resources that may not.
    pub refused_items: u64,
    pub refused_resources: u64,
}

impl Speaker {
    /// Looks at a payload, tells of each resource with a claim that does not hold, and gives what may go on: resources
    /// left out, claims overwritten, and the cluster written down where nothing says it. None where there is no room for
    /// what that takes, which `room` is asked for.
    ///
    /// Fields that OTLP does not know are left out, since nobody can tell what they claim, unless violations pass.
    pub fn judge(
        &self,
        payload: Payload,
        told: &mut dyn FnMut(&Violation<'_>),
        room: &mut dyn FnMut(usize) -> bool,
    ) -> Option<Judged> {
        let payload = match self.on_violation() {
            OnViolation::Refuse | OnViolation::Overwrite if payload.unknown_fields() > 0 => {
                if !room(payload.len()) {
                    return None;
                }
                strip::unknown(payload)
            }
            _ => payload,
        };
        let request = Message::request(payload.signal());
        let mut found = Found { speaker: self, told, room, changes: Vec::new() };
        for (index, segment) in payload.segments().iter().enumerate() {
            found.segment(request, index, segment)?;
        }
        let Found { changes, .. } = found;
        if changes.is_empty() {
            return Some(Judged { payload, refused_items: 0, refused_resources: 0 });
        }
        room(payload.len()).then(|| rewrite::rewritten(self, &payload, &changes))
    }
}

/// What is to be changed of a payload, as far as it was looked at.
struct Found<'s, 'f> {
    speaker: &'s Speaker,
    told: &'f mut dyn FnMut(&Violation<'_>),
    room: &'f mut dyn FnMut(usize) -> bool,
    changes: Vec<Change>,
}

impl Found<'_, '_> {
    fn segment(&mut self, request: &'static Message, index: usize, segment: &Segment) -> Option<()> {
        let buf = segment.bytes();
        for field in Fields::new(buf, 0, buf.len()) {
            if let Some(Kind::Message(message)) = request.field(field.number).map(|known| known.kind)
                && field.wire == WireType::Len
            {
                self.resource(message, index, buf, &field)?;
            }
        }
        Some(())
    }

    /// Looks at what is of one resource.
    fn resource(&mut self, message: &'static Message, segment: usize, buf: &[u8], field: &Field) -> Option<()> {
        let fields = Fields::new(buf, field.start, field.end);
        let (speaker, action) = (self.speaker, self.speaker.on_violation());
        let before = self.changes.len();
        let (mut first, mut is_short) = (None, false);
        let change = |what| Change { segment, tag: field.tag as u32, what };
        let mut words = Words::between(buf, field.start, field.end);
        let _ = walk(message, fields.clone(), &mut words, &mut |claim| {
            if speaker.may_say(claim.subject, claim.value) {
                return Next::Enter;
            }
            first.get_or_insert(Violation { subject: claim.subject, claimed: claim.value });
            match action {
                OnViolation::Refuse | OnViolation::Pass => Next::Stop,
                OnViolation::Overwrite => {
                    is_short |= !self.add(change(What::Overwrite { at: claim.start, subject: claim.subject }));
                    if is_short { Next::Stop } else { Next::Pass }
                }
            }
        });
        if let Some(violation) = &first {
            (self.told)(violation);
            if action == OnViolation::Refuse {
                return self.add(change(What::Refuse)).then_some(());
            }
        }
        if is_short {
            return None;
        }
        if speaker.cluster().is_some() && !says_its_cluster(fields.clone()) && has_items(message, fields) {
            // It stands before what is overwritten of the same resource.
            return self.add(change(What::Stamp)).then(|| self.changes[before..].rotate_right(1));
        }
        Some(())
    }

    /// Notes a change, where there is room for it.
    fn add(&mut self, change: Change) -> bool {
        let is_full = self.changes.len().is_multiple_of(AT_A_TIME);
        if is_full && !(self.room)(AT_A_TIME * PER_CHANGE) {
            return false;
        }
        self.changes.push(change);
        true
    }
}

/// Whether a resource has an attribute for its cluster.
fn says_its_cluster(mut fields: Fields<'_>) -> bool {
    let buf = fields.buffer();
    // Its number is the same in all signals, and so is that of the attributes in it.
    let Some(resource) = fields.find(|field| field.number == 1) else { return false };
    Fields::new(buf, resource.start, resource.end)
        .filter(|field| field.number == 1)
        .map(|field| parts(Fields::new(buf, field.start, field.end)).0)
        .any(|key| ClusterKey::Start.with(key) == ClusterKey::Of(Subject::Cluster))
}

/// Whether there is an item in a message; what is empty says nothing, and needs nobody who says it.
fn has_items(message: &'static Message, fields: Fields<'_>) -> bool {
    rewrite::items_until(message, fields, 1) > 0
}
