//! The way across with typed records: the host decodes, the guest changes what it likes, the host encodes.

#[path = "../../scrub.rs"]
mod scrub;

use scrub::{MASK, Scrubber};

wit_bindgen::generate!({ path: "wit", world: "typed" });

use abi::typed::types::Value;

thread_local! {
    static SCRUBBER: Scrubber = Scrubber::new();
}

struct Typed;

impl Guest for Typed {
    fn process(mut request: Vec<ResourceLogs>) -> Vec<ResourceLogs> {
        SCRUBBER.with(|scrubber| {
            let scopes = request.iter_mut().flat_map(|group| &mut group.scopes);
            for record in scopes.flat_map(|group| &mut group.log_records) {
                scrub(scrubber, &mut record.body);
                record.attributes.iter_mut().for_each(|attribute| scrub(scrubber, &mut attribute.value));
            }
        });
        request
    }
}

fn scrub(scrubber: &Scrubber, value: &mut Value) {
    let Value::Text(text) = value else { return };
    for range in scrubber.find(text.as_bytes()).into_iter().rev() {
        text.replace_range(range, MASK);
    }
}

export!(Typed);
