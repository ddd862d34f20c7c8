//! A backend of log records that are lines of files: how often each came, when first, and whether behind later ones.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use bytes::Bytes;
use tokio::net::TcpListener;

use super::truth::Epoch;
use crate::backend::Mode;
use crate::endpoint::{self, Handler};
use crate::payload::{self, Number};
use crate::wire::{Answer, Signal};

pub(super) struct Taker {
    address: SocketAddr,
    epoch: Epoch,
    mode: Mutex<Mode>,
    arrivals: Mutex<Arrivals>,
}

#[derive(Default)]
pub(super) struct Arrivals {
    lines: Vec<Vec<Arrival>>,
    /// Records that are no whole line.
    pub(super) torn: u64,
    /// Lines that came for the first time when a later one of their file was there.
    pub(super) late: u64,
    pub(super) malformed: Vec<String>,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Arrival {
    /// None where it is 0.
    pub(super) first: u32,
    pub(super) again: u32,
}

impl Arrivals {
    pub(super) fn of(&self, stream: usize, place: usize) -> Arrival {
        self.lines.get(stream).and_then(|lines| lines.get(place)).copied().unwrap_or_default()
    }

    pub(super) fn keep(&mut self, Number { stream, place }: Number, now: u32) {
        if self.lines.len() <= stream {
            self.lines.resize_with(stream + 1, Vec::new);
        }
        let lines = &mut self.lines[stream];
        if let Some(arrival) = lines.get_mut(place) {
            match arrival.first {
                0 => {
                    arrival.first = now;
                    self.late += 1;
                }
                _ => arrival.again += 1,
            }
            return;
        }
        lines.resize(place, Arrival::default());
        lines.push(Arrival { first: now, again: 0 });
    }
}

impl Taker {
    pub(super) async fn start(epoch: Epoch) -> Result<Arc<Taker>> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("a backend's socket")?;
        let address = listener.local_addr()?;
        let taker = Taker { address, epoch, mode: Mutex::new(Mode::Up), arrivals: Mutex::default() };
        let taker = Arc::new(taker);
        endpoint::listen(listener, taker.clone());
        Ok(taker)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap_or_else(PoisonError::into_inner) = mode;
    }

    pub(super) fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a record is read as that is no whole line.
const TORN: Number = Number { stream: usize::MAX, place: 0 };

impl Handler for Taker {
    fn read(&self, _: Signal, message: &Bytes) -> Result<Vec<Number>, String> {
        Ok(payload::lines(message)?.into_iter().map(|line| line.unwrap_or(TORN)).collect())
    }

    async fn take(&self, numbers: &[Number]) -> Answer {
        let mode = self.mode.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = match mode {
            Mode::Refuses(answer) => return answer,
            Mode::Slow(delay) => {
                tokio::time::sleep(delay).await;
                Answer::Taken
            }
            Mode::TakesAndAnswers(answer) => answer,
            Mode::Up => Answer::Taken,
        };
        let now = self.epoch.now();
        let mut arrivals = self.arrivals();
        for number in numbers {
            match *number == TORN {
                true => arrivals.torn += 1,
                false => arrivals.keep(*number, now),
            }
        }
        answer
    }

    fn malformed(&self, problem: String) {
        let mut arrivals = self.arrivals();
        if arrivals.malformed.len() < 10 {
            arrivals.malformed.push(problem);
        }
    }
}
