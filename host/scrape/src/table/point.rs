//! A point is what becomes one data point: the value of a counter or a gauge, or what several series say of one histogram
//! or summary.

use host_otlp::build::Attributes;

use crate::exposition::series::Exemplar;

/// Examples that a point has at the most.
const EXEMPLARS: usize = 32;

/// The scale at which a native histogram is not made coarser any more.
const COARSEST: i32 = -4;
/// Buckets or quantiles that it has at the most.
const STEPS: usize = 4096;

#[derive(Debug)]
pub(crate) struct Point {
    pub(crate) family: u32,
    pub(crate) attributes: Attributes,
    /// The scrape that it was in last.
    pub(crate) generation: u32,
    /// Whether it was handed on and has not been told stale.
    pub(crate) is_known: bool,
    /// Whether its time was exposed.
    pub(crate) is_timed: bool,
    /// Milliseconds since the Unix epoch.
    pub(crate) time: i64,
    /// Nanoseconds since the Unix epoch; 0 where nobody knows.
    pub(crate) start: u64,
    pub(crate) exemplars: Vec<Exemplar>,
    pub(crate) body: Body,
}

/// What was exposed of it in this scrape.
#[derive(Debug)]
pub(crate) enum Body {
    Number(Option<f64>),
    Parts(Box<Parts>),
    Native(Option<Box<Native>>),
}

/// What a histogram or summary is made of.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) sum: Option<f64>,
    pub(crate) count: Option<f64>,
    /// Buckets by their bound, or quantiles.
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    pub(crate) at: f64,
    pub(crate) value: f64,
    pub(crate) generation: u32,
}

/// A native histogram, with its buckets counted one by one.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Native {
    pub(crate) scale: i32,
    pub(crate) zero_threshold: f64,
    pub(crate) zero_count: u64,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) positive: Side,
    pub(crate) negative: Side,
}

/// The buckets on one side of zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Side {
    pub(crate) offset: i32,
    pub(crate) counts: Vec<u64>,
}

impl Point {
    pub(crate) fn new(family: u32, attributes: Attributes, body: Body) -> Self {
        Point {
            family,
            attributes,
            generation: 0,
            is_known: false,
            is_timed: false,
            time: 0,
            start: 0,
            exemplars: Vec::new(),
            body,
        }
    }

    /// Begins it anew where this is the first that a scrape says of it.
    #[inline]
    pub(crate) fn touch(&mut self, generation: u32) {
        if self.generation == generation {
            return;
        }
        self.generation = generation;
        (self.start, self.is_timed, self.time) = (0, false, 0);
        self.exemplars.clear();
        match &mut self.body {
            Body::Number(value) => *value = None,
            Body::Parts(parts) => (parts.sum, parts.count) = (None, None),
            Body::Native(native) => *native = None,
        }
    }

    /// Takes the time that was exposed, where one was.
    pub(crate) fn set_time(&mut self, millis: Option<i64>) {
        if let Some(time) = millis {
            (self.time, self.is_timed) = (time, true);
        }
    }

    /// Takes the time since when it counts, in seconds, where that is one.
    pub(crate) fn set_start(&mut self, seconds: f64) {
        // Through milliseconds: a double has no more digits of the times of today.
        let millis = (seconds * 1000.0).round();
        if millis > 0.0 {
            self.start = (millis as u64).saturating_mul(1_000_000);
        }
    }

    pub(crate) fn add_exemplar(&mut self, exemplar: Exemplar) {
        if self.exemplars.len() < EXEMPLARS {
            self.exemplars.push(exemplar);
        }
    }

    /// Whether enough was said of it to hand it on.
    pub(crate) fn is_complete(&self) -> bool {
        match &self.body {
            Body::Number(value) => value.is_some(),
            Body::Parts(parts) => parts.count.is_some(),
            Body::Native(native) => native.is_some(),
        }
    }
}

impl Native {
    /// Makes it coarser until it has so many buckets with a count at the most. Gives whether it has.
    pub(crate) fn fit(&mut self, most: u64) -> bool {
        while self.positive.populated() + self.negative.populated() > most {
            if self.scale <= COARSEST {
                return false;
            }
            self.scale -= 1;
            self.positive.halve();
            self.negative.halve();
        }
        true
    }
}

impl Side {
    fn populated(&self) -> u64 {
        self.counts.iter().filter(|count| **count > 0).count() as u64
    }

    /// Joins each two buckets that are one at half the scale.
    fn halve(&mut self) {
        if self.counts.is_empty() {
            return;
        }
        let first = self.offset.div_euclid(2);
        let mut counts: Vec<u64> = Vec::with_capacity(self.counts.len() / 2 + 1);
        let mut is_second = self.offset.rem_euclid(2) == 1;
        if is_second {
            counts.push(0);
        }
        for count in &self.counts {
            match counts.last_mut().filter(|_| is_second) {
                Some(last) => *last = last.saturating_add(*count),
                None => counts.push(*count),
            }
            is_second = !is_second;
        }
        (self.offset, self.counts) = (first, counts);
    }
}

impl Parts {
    /// The number of the step at this place, which is made where it is not there; none where there are too many.
    pub(crate) fn step(&mut self, at: f64) -> Option<u32> {
        let found = self.steps.iter().position(|step| step.at == at);
        let step = found.unwrap_or_else(|| {
            self.steps.push(Step { at, value: 0.0, generation: 0 });
            self.steps.len() - 1
        });
        self.steps.truncate(STEPS);
        (step < STEPS).then_some(step as u32)
    }

    /// Fills `out` with what this scrape said, in order.
    pub(crate) fn current(&self, generation: u32, out: &mut Vec<(f64, f64)>) {
        out.clear();
        out.extend(self.steps.iter().filter(|s| s.generation == generation).map(|s| (s.at, s.value)));
        if !out.is_sorted_by(|(a, _), (b, _)| a <= b) {
            out.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        }
    }
}
