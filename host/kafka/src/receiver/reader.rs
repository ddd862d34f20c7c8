//! The reader is one client at work: what it reads waits in its partition for its turn, with room for it reserved, and its
//! offset is stored once it and all before it were acknowledged.
//!
//! Nothing is read while there is no room. A client that asks for nothing is taken out of its group after a while, so that a
//! longer wait pauses the partitions and goes on asking.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use host_component::{Shutdown, spawn_in, task_span};
use host_receivers::Budget;
use host_receivers::budget::Reservation;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::KafkaError;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until};

use super::counts::OfPartition;
use super::partition::Partition;
use super::receiver::Client;
use super::record::Record;
use super::work::{Bench, End, Finished, Word};
use crate::client::{Change, Throttle, explained};

/// How long there may be no room before partitions are paused.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often somebody looks whether there is room again, and else whether there is anything to do.
const SOON: Duration = Duration::from_millis(20);
const SOMETIME: Duration = Duration::from_secs(1);
/// What may wait of one partition before it is paused; it is resumed when half of it is gone.
const WAITING_RECORDS: usize = 1000;
const WAITING_BYTES: usize = 1 << 20;
/// Words of work that nobody has heard yet.
const WORDS: usize = 256;

/// Why a reader has ended.
pub(crate) enum Ended {
    Asked,
    Broken(String),
}

/// One client at work.
pub(crate) struct Reader<'a> {
    id: &'a str,
    client: Arc<Client>,
    bench: Arc<Bench>,
    budget: Budget,
    max_in_flight: usize,
    partitions: HashMap<(Arc<str>, i32), Held>,
    generations: u64,
    /// What was read and has no room yet, and since when that is so.
    outside: VecDeque<Record>,
    outside_since: Option<Instant>,
    /// Whether nothing is read until there is room.
    is_paused: bool,
    is_ending: bool,
    running: FuturesUnordered<JoinHandle<Finished>>,
    /// Bytes for which room is reserved.
    inside: usize,
    subscribed: Vec<String>,
    words: (mpsc::Sender<Word>, mpsc::Receiver<Word>),
    lines: Throttle,
}

struct Held {
    partition: Partition,
    counts: OfPartition,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(
        id: &'a str,
        client: Arc<Client>,
        bench: Arc<Bench>,
        budget: Budget,
        max_in_flight: usize,
    ) -> Self {
        Reader {
            id,
            client,
            bench,
            budget,
            max_in_flight,
            partitions: HashMap::new(),
            generations: 0,
            outside: VecDeque::new(),
            outside_since: None,
            is_paused: false,
            is_ending: false,
            running: FuturesUnordered::new(),
            inside: 0,
            subscribed: Vec::new(),
            words: mpsc::channel(WORDS),
            lines: Throttle::default(),
        }
    }

    /// Reads until the shutdown, and until what was begun has an end.
    pub(crate) async fn run(mut self, mut shutdown: Shutdown) -> Ended {
        let client = Arc::clone(&self.client);
        let mut look = Instant::now();
        let ended = loop {
            if look <= Instant::now() {
                self.look();
                look = Instant::now() + if self.outside.is_empty() { SOMETIME } else { SOON };
            }
            let asks = self.outside.is_empty() || self.is_paused;
            tokio::select! {
                biased;
                () = shutdown.wait() => break Ended::Asked,
                Some(finished) = self.running.next(), if !self.running.is_empty() => {
                    if let Err(error) = self.finish(finished) {
                        break Ended::Broken(format!("the work on a record has not ended well: {error}"));
                    }
                }
                Some(word) = self.words.1.recv() => self.hear(&word),
                read = client.recv(), if asks => {
                    let read = read.map(|message| Record::of(&message));
                    self.follow();
                    match read {
                        Ok(record) => self.take(record),
                        Err(KafkaError::MessageConsumptionFatal(code)) => break Ended::Broken(code.to_string()),
                        Err(error) => self.tell(&error),
                    }
                    if !self.outside.is_empty() {
                        look = look.min(Instant::now() + SOON);
                    }
                }
                () = sleep_until(look) => {}
            }
        };
        self.end(&client).await;
        ended
    }

    /// Lets end what was begun, while the group is answered that we are still there.
    async fn end(mut self, client: &Client) {
        self.is_ending = true;
        self.outside.clear();
        self.pause_all();
        for held in self.partitions.values_mut() {
            held.partition.end();
            self.bench.counts.waiting.sub(held.partition.waiting.len() as i64);
            held.partition.waiting.clear();
        }
        while !self.running.is_empty() {
            tokio::select! {
                biased;
                Some(finished) = self.running.next() => {
                    if let Err(error) = self.finish(finished) {
                        tracing::error!(receiver = self.id, %error, "the work on a record has not ended well: it will be read again");
                    }
                }
                Some(word) = self.words.1.recv() => self.hear(&word),
                // What comes now is read again by whoever has the partition next.
                read = client.recv() => {
                    let is_broken = read.is_err();
                    drop(read);
                    self.follow();
                    if is_broken {
                        sleep(SOON).await;
                    }
                }
            }
        }
    }

    /// Looks after what no event tells.
    fn look(&mut self) {
        self.subscribe();
        self.follow();
        self.let_in();
        for lag in self.client.context().lags() {
            if let Some(held) = self.partitions.get(&(lag.topic.into(), lag.partition)) {
                held.counts.lag.set(lag.records);
            }
        }
    }

    /// Reads the topics of the signals that a pipeline takes now.
    fn subscribe(&mut self) {
        let wanted = self.bench.topics.of(|signal| self.bench.consumers.has(signal));
        if wanted == self.subscribed {
            return;
        }
        if wanted.is_empty() {
            self.client.unsubscribe();
        } else if let Err(error) = self.client.subscribe(&wanted) {
            tracing::warn!(receiver = self.id, %error, "topics cannot be read");
            return;
        }
        self.subscribed = wanted.into_iter().map(str::to_owned).collect();
    }

    /// Takes note of partitions that were given or taken away.
    fn follow(&mut self) {
        for change in self.client.context().changes() {
            match change {
                Change::Assigned(names) => {
                    tracing::info!(receiver = self.id, partitions = ?names, "partitions were given");
                    for (topic, partition) in names {
                        self.held(topic.into(), partition);
                    }
                    if self.is_paused || self.is_ending {
                        self.pause_all();
                    }
                }
                Change::Revoked(names) => {
                    tracing::info!(receiver = self.id, partitions = ?names, "partitions were taken away");
                    for (topic, partition) in names {
                        self.lose(&(topic.into(), partition));
                    }
                }
            }
        }
    }

    fn held(&mut self, topic: Arc<str>, partition: i32) -> &mut Held {
        let Reader { partitions, generations, bench, .. } = self;
        partitions.entry((topic, partition)).or_insert_with_key(|(topic, partition)| {
            *generations += 1;
            bench.counts.started.inc();
            Held { partition: Partition::new(*generations), counts: bench.counts.of_partition(topic, *partition) }
        })
    }

    /// What of it has not begun is forgotten, what waits to be tried again ends, and what is under way counts no more.
    fn lose(&mut self, key: &(Arc<str>, i32)) {
        self.outside.retain(|record| (&record.topic, record.partition) != (&key.0, key.1));
        if let Some(held) = self.partitions.remove(key) {
            self.bench.counts.closed.inc();
            self.bench.counts.waiting.sub(held.partition.waiting.len() as i64);
            self.inside -= held.partition.waiting.iter().map(|(_, room)| room.bytes()).sum::<usize>();
        }
    }

    fn take(&mut self, record: Record) {
        self.held(Arc::clone(&record.topic), record.partition).counts.offset.set(record.offset);
        self.outside.push_back(record);
        self.let_in();
    }

    /// Gives room to what was read, in order, and has it worked on.
    fn let_in(&mut self) {
        while let Some(record) = self.outside.front() {
            let Some(reservation) = self.reserve(record) else { break };
            let Some(record) = self.outside.pop_front() else { break };
            self.inside += reservation.bytes();
            self.bench.counts.waiting.inc();
            let key = (Arc::clone(&record.topic), record.partition);
            self.held(key.0.clone(), key.1).partition.push(record, reservation);
            self.go_on(&key);
        }
        if self.outside.is_empty() {
            self.outside_since = None;
            if std::mem::take(&mut self.is_paused) {
                self.resume_all();
            }
            return;
        }
        let since = *self.outside_since.get_or_insert_with(Instant::now);
        if !self.is_paused && since.elapsed() >= PATIENCE {
            self.is_paused = true;
            self.pause_all();
        }
    }

    /// Room for a record: a half of what all receivers share is for others, but for a record that is larger than that alone.
    fn reserve(&self, record: &Record) -> Option<Reservation> {
        let form = self.bench.topics.signal(&record.topic).map(|(_, form)| form).unwrap_or_default();
        let limit = self.budget.limit();
        let room = record.room(form).min(limit);
        let is_others = self.inside > 0 && self.inside + room > limit / 2;
        if is_others { None } else { self.budget.reserve(room) }
    }

    /// Begins what may begin of a partition, and pauses or resumes it.
    fn go_on(&mut self, key: &(Arc<str>, i32)) {
        let Some(Held { partition, .. }) = self.partitions.get_mut(key) else { return };
        while !self.is_ending
            && let Some((record, reservation)) = partition.next(self.max_in_flight)
        {
            self.bench.counts.waiting.dec();
            let work = Arc::clone(&self.bench).work(
                record,
                reservation,
                partition.generation,
                partition.ending.clone(),
                self.words.0.clone(),
            );
            self.running.push(spawn_in(task_span("record", self.id), work));
        }
        let (records, bytes) = (partition.waiting.len(), partition.waiting_bytes);
        let is_full = records >= WAITING_RECORDS || bytes >= WAITING_BYTES;
        let has_room = records <= WAITING_RECORDS / 2 && bytes <= WAITING_BYTES / 2;
        if is_full && !partition.is_paused {
            partition.is_paused = true;
            pause(&self.client, [key]);
        } else if has_room && partition.is_paused && !self.is_paused && !self.is_ending {
            partition.is_paused = false;
            resume(&self.client, [key]);
        }
    }

    /// Takes note of a record that is not worked on any more.
    ///
    /// # Errors
    /// Where the work on it panicked. It is not known which record that was: nothing behind it may be committed, so that
    /// all has to be read again from where it was committed last.
    fn finish(&mut self, finished: Result<Finished, JoinError>) -> Result<(), JoinError> {
        let Finished { place: (topic, partition, generation), offset, bytes, room, end } = finished?;
        self.inside -= room;
        let key = (topic, partition);
        if let Some(held) = self.partitions.get_mut(&key).filter(|held| held.partition.generation == generation)
            && end != End::Abandoned
        {
            held.counts.add(bytes, end == End::Taken);
            if let Some(next) = held.partition.progress.done(offset) {
                // The client adds one. It fails where the partition was taken away just now.
                if let Err(error) = self.client.store_offset(&key.0, partition, next - 1) {
                    tracing::debug!(receiver = self.id, %error, "an offset is not stored");
                }
            }
        }
        self.go_on(&key);
        if !self.outside.is_empty() {
            self.let_in();
        }
        Ok(())
    }

    fn hear(&mut self, word: &Word) {
        let (topic, partition, generation) = &word.place;
        let key = (Arc::clone(topic), *partition);
        let held = self.partitions.get_mut(&key).filter(|held| held.partition.generation == *generation);
        let Some(Held { partition, .. }) = held else { return };
        match word.is_failing {
            true => partition.failing += 1,
            false => partition.failing = partition.failing.saturating_sub(1),
        }
        self.go_on(&key);
    }

    fn pause_all(&self) {
        pause(&self.client, self.partitions.keys());
    }

    /// Resumes all but those that are full by themselves; of these some may have room since.
    fn resume_all(&mut self) {
        let is_full = |held: &Held| held.partition.is_paused;
        let full: Vec<_> =
            self.partitions.iter().filter(|(_, held)| is_full(held)).map(|(key, _)| key.clone()).collect();
        let going = self.partitions.iter().filter(|(_, held)| !is_full(held));
        resume(&self.client, going.map(|(key, _)| key));
        full.iter().for_each(|key| self.go_on(key));
    }

    fn tell(&self, error: &KafkaError) {
        if let Some(left_out) = self.lines.pass(std::time::Instant::now()) {
            let error = explained(error.rdkafka_error_code(), &error.to_string());
            tracing::warn!(receiver = self.id, error, left_out, "cannot read from Kafka");
        }
    }
}

fn list<'k>(keys: impl IntoIterator<Item = &'k (Arc<str>, i32)>) -> TopicPartitionList {
    let mut list = TopicPartitionList::new();
    for (topic, partition) in keys {
        list.add_partition(topic, *partition);
    }
    list
}

/// Has nothing of these read. It fails for what was taken away just now.
fn pause<'k>(client: &Client, keys: impl IntoIterator<Item = &'k (Arc<str>, i32)>) {
    if let Err(error) = client.pause(&list(keys)) {
        tracing::debug!(%error, "partitions are not paused");
    }
}

fn resume<'k>(client: &Client, keys: impl IntoIterator<Item = &'k (Arc<str>, i32)>) {
    if let Err(error) = client.resume(&list(keys)) {
        tracing::debug!(%error, "partitions are not resumed");
    }
}

#[cfg(test)]
mod tests;
