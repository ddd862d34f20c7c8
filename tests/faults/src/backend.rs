//! A backend: it remembers each number that it took and each that it turned away for good, and behaves as it is told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpListener;

use crate::endpoint::{self, Handler};
use crate::journal::{Cause, Journal, Journey};
use crate::payload::Number;
use crate::truth::Truth;
use crate::wire::Answer;

#[derive(Clone, Debug)]
pub(crate) enum Mode {
    Up,
    Slow(Duration),
    /// Takes nothing and answers so.
    Refuses(Answer),
    /// Takes the data and answers so all the same: the sender cannot know.
    TakesAndAnswers(Answer),
}

pub(crate) struct Backend {
    index: usize,
    address: SocketAddr,
    journal: Arc<Journal>,
    truth: Arc<Truth>,
    mode: Mutex<Mode>,
    state: Mutex<State>,
    /// What it turned away for good, or a hop before it.
    refused: Arc<Refusals>,
}

#[derive(Default)]
struct State {
    /// Of each stream, by place: the millisecond of the first arrival and one more, or 0.
    arrivals: Vec<Vec<u32>>,
    unique: u64,
    duplicates: BTreeMap<Cause, u64>,
    malformed: Vec<String>,
}

/// A set of numbers.
#[derive(Default)]
pub(crate) struct Numbers(Vec<Vec<bool>>);

impl Numbers {
    pub(crate) fn insert(&mut self, number: Number) {
        let flag = slot(&mut self.0, number);
        *flag = true;
    }

    pub(crate) fn contains(&self, stream: usize, place: usize) -> bool {
        self.0.get(stream).and_then(|places| places.get(place)).copied().unwrap_or(false)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.iter().flatten().filter(|there| **there).count()
    }
}

fn slot<T: Clone + Default>(streams: &mut Vec<Vec<T>>, number: Number) -> &mut T {
    if streams.len() <= number.stream {
        streams.resize_with(number.stream + 1, Vec::new);
    }
    let places = &mut streams[number.stream];
    if places.len() <= number.place {
        places.resize(number.place + 1, T::default());
    }
    &mut places[number.place]
}

/// What was turned away for good on some way.
pub(crate) type Refusals = Mutex<Numbers>;

fn locked(refusals: &Refusals) -> MutexGuard<'_, Numbers> {
    refusals.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Backend {
    pub(crate) async fn start(index: usize, journal: &Arc<Journal>, truth: &Arc<Truth>) -> Result<Arc<Backend>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a backend's socket")?;
        let backend = Arc::new(Backend {
            index,
            address: listener.local_addr()?,
            journal: journal.clone(),
            truth: truth.clone(),
            mode: Mutex::new(Mode::Up),
            state: Mutex::default(),
            refused: Arc::default(),
        });
        endpoint::listen(listener, backend.clone());
        Ok(backend)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers that it has.
    pub(crate) fn unique(&self) -> u64 {
        self.state().unique
    }

    pub(crate) fn duplicates(&self) -> BTreeMap<Cause, u64> {
        self.state().duplicates.clone()
    }

    pub(crate) fn refused(&self) -> usize {
        locked(&self.refused).len()
    }

    pub(crate) fn refusals(&self) -> Arc<Refusals> {
        self.refused.clone()
    }

    pub(crate) fn malformed(&self) -> Vec<String> {
        self.state().malformed.clone()
    }

    /// The acknowledged numbers that it neither has nor turned away for good.
    pub(crate) fn missing(&self, refusals: &Refusals) -> Vec<Number> {
        let state = self.state();
        let (refused, refusals) = (locked(&self.refused), locked(refusals));
        let mut missing = Vec::new();
        for stream in 0..self.truth.streams() {
            let arrivals = state.arrivals.get(stream).map_or(&[][..], |arrivals| arrivals);
            for first in self.truth.acknowledged(stream) {
                for place in first..first + self.truth.items_per_request {
                    let arrived = arrivals.get(place).is_some_and(|arrival| *arrival > 0);
                    if !arrived && !refused.contains(stream, place) && !refusals.contains(stream, place) {
                        missing.push(Number { stream, place });
                    }
                }
            }
        }
        missing
    }

    fn keep(&self, numbers: &[Number]) {
        let now = self.journal.now();
        let mut guard = self.state();
        let state = &mut *guard;
        for number in numbers {
            let arrival = slot(&mut state.arrivals, *number);
            if *arrival == 0 {
                *arrival = now + 1;
                state.unique += 1;
                continue;
            }
            let first_arrival = *arrival - 1;
            let cause = self.truth.of(*number).map_or(Cause::Unexplained, |request| {
                let (attempts, sent) = (request.attempts, request.sent);
                self.journal.explain(&Journey { backend: self.index, attempts, sent, first_arrival, arrival: now })
            });
            *state.duplicates.entry(cause).or_default() += 1;
        }
    }

    fn turn_away(&self, numbers: &[Number]) {
        let mut refused = locked(&self.refused);
        for number in numbers {
            refused.insert(*number);
        }
    }
}

impl Handler for Backend {
    async fn take(&self, numbers: &[Number]) -> Answer {
        let mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match mode {
            Mode::Up => self.keep(numbers),
            Mode::Slow(delay) => {
                tokio::time::sleep(delay).await;
                self.keep(numbers);
            }
            Mode::Refuses(answer) => {
                if answer.is_final() {
                    self.turn_away(numbers);
                }
                return answer;
            }
            Mode::TakesAndAnswers(answer) => {
                self.keep(numbers);
                return answer;
            }
        }
        Answer::Taken
    }

    fn malformed(&self, problem: String) {
        let mut state = self.state();
        if state.malformed.len() < 10 {
            state.malformed.push(problem);
        }
    }
}
