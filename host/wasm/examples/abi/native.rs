//! The same work without any guest: project, scrub, apply. The floor for all ways across.

use std::ops::Range;

use anyhow::{Context, Result};
use host_component::{Payload, Signal};
use host_projection::{Edit, Grants, Limits, Plan, Projection, Projector, Read, Script, Slice, Unmetered, Values};

use crate::scrub::{self, MASK, PATTERNS, Scrubber};
use crate::{Way, Work};

const PATHS: [&str; 2] = ["log.body", "log.attributes[*]"];

pub(crate) fn ways() -> Result<Vec<Way>> {
    let (pushed, plain, walk) = (projector(&PATTERNS)?, projector(&[])?, projector(&[])?);
    let (scrubber, other) = (Scrubber::new(), Scrubber::new());
    Ok(vec![
        Way {
            name: "native, patterns in the projection",
            run: Box::new(move |requests| run(&pushed, requests, matched)),
        },
        Way {
            name: "native, patterns over the projected cells",
            run: Box::new(move |requests| run(&plain, requests, |projection| scanned(&scrubber, projection))),
        },
        Way {
            name: "the projection of all text alone, native",
            run: Box::new(move |requests| alone(&walk, &other, requests)),
        },
    ])
}

fn projector(patterns: &[&str]) -> Result<Projector> {
    let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    let reads = PATHS.map(|path| Read { path: path.to_owned(), patterns: patterns.clone(), ..Read::default() });
    let plan = Plan { reads: reads.into(), writes: PATHS.map(str::to_owned).into(), ..Plan::default() };
    let grants = Grants { reads: vec!["*".to_owned()], writes: vec!["*".to_owned()] };
    Ok(Projector::compile(Signal::Logs, &plan, &grants, &Limits::default())?)
}

fn run(projector: &Projector, requests: &[Payload], scrub: impl Fn(&Projection) -> Script) -> Result<Work> {
    Work::of(requests, |request| {
        let projection = projector.project(request.clone(), &mut Unmetered)?;
        let script = scrub(&projection);
        let routed = projection.apply(&script, &mut Unmetered)?;
        Ok(routed.first().context("something is left")?.payload.contiguous().into())
    })
}

/// The first step of a way alone; what comes out is the whole way's.
fn alone(projector: &Projector, scrubber: &Scrubber, requests: &[Payload]) -> Result<Work> {
    let whole = run(projector, requests, |projection| scanned(scrubber, projection))?;
    let step = Work::of(requests, |request| {
        std::hint::black_box(projector.project(request.clone(), &mut Unmetered)?);
        Ok(Vec::new())
    })?;
    Ok(Work { nanos: step.nanos, out: whole.out })
}

fn matched(projection: &Projection) -> Script {
    let mut script = Script { edits: Vec::new(), text: MASK.into() };
    for column in &projection.batch.columns {
        for cell in column.matches.chunk_by(|one, next| one.index == next.index) {
            let mut found: Vec<Range<usize>> =
                cell.iter().map(|found| found.start as usize..found.end as usize).collect();
            scrub::merge(&mut found);
            splice(&mut script, column.first_cell + cell[0].index, found);
        }
    }
    script
}

fn scanned(scrubber: &Scrubber, projection: &Projection) -> Script {
    let mut script = Script { edits: Vec::new(), text: MASK.into() };
    for column in &projection.batch.columns {
        let Values::Text(texts) = &column.values else { continue };
        let mut start = 0;
        for (index, &end) in texts.ends.iter().enumerate() {
            let found = scrubber.find(&texts.bytes[start..end as usize]);
            splice(&mut script, column.first_cell + index as u32, found);
            start = end as usize;
        }
    }
    script
}

fn splice(script: &mut Script, cell: u32, found: Vec<Range<usize>>) {
    let with = Slice { start: 0, end: MASK.len() as u32 };
    script.edits.extend(found.into_iter().map(|range| Edit::Splice {
        cell,
        start: range.start as u32,
        end: range.end as u32,
        with,
    }));
}
