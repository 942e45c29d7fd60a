//! A server with one Lease, candidates with clocks of their own, and a network that delays, loses and reorders.
//! Asserts after each event that at most one is in office and that each term has a larger epoch than all before.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Claim, Election, Lease, Moment, Seen, Sighting, Step, Timing};
use crate::ids::Epoch;
use crate::retry::seed_of;

/// What goes wrong, each in percent of the messages or as the longest delay in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Faults {
    pub lost: u64,
    pub delay: u64,
    /// How often, in percent of the turns of a leader, it ends its term by itself.
    pub releases: u64,
    /// How often, in percent of the turns, a process is killed and another takes its place.
    pub crashes: u64,
    /// How often, in permille of the turns, somebody deletes the Lease.
    pub deletions: u64,
}

impl Faults {
    pub const NONE: Self = Self { lost: 0, delay: 20, releases: 0, crashes: 0, deletions: 0 };
}

struct Candidate {
    election: Election,
    /// Added to true time, in milliseconds.
    offset: u64,
    /// In permille of true time.
    rate: u64,
    /// The request under way, and when it was sent by its own clock.
    asked: Option<(u64, Moment)>,
    begun: Option<Epoch>,
}

enum Event {
    Turn(usize),
    Serve(usize, u64, Request),
    Answer(usize, u64, Answer),
    Deadline(usize, u64),
    Watch(usize, Sighting),
}

#[derive(Clone)]
enum Request {
    Read,
    Write(Claim),
}

enum Answer {
    Read(Sighting),
    Wrote(Claim, Lease),
    Conflict,
}

pub struct World {
    candidates: Vec<Candidate>,
    timing: Timing,
    lease: Option<Lease>,
    revision: u64,
    events: BTreeMap<(u64, u64), Event>,
    now: u64,
    count: u64,
    seed: u64,
    births: u64,
    epochs: Vec<Epoch>,
    pub faults: Faults,
}

impl World {
    pub fn new(seed: u64, candidates: usize, timing: Timing, faults: Faults) -> Self {
        let mut world = Self {
            candidates: Vec::new(),
            timing,
            lease: None,
            revision: 0,
            events: BTreeMap::new(),
            now: 1,
            count: 0,
            seed,
            births: 0,
            epochs: Vec::new(),
            faults,
        };
        for number in 0..candidates {
            let candidate = world.born();
            world.candidates.push(candidate);
            world.at(number as u64, Event::Turn(number));
        }
        world
    }

    /// A process that starts now, on a machine whose clock is off and runs up to 4 % too fast or too slow.
    fn born(&mut self) -> Candidate {
        self.births += 1;
        let floor = u32::try_from(self.births).unwrap();
        let election = Election::new(format!("candidate-{}", self.births), self.timing, floor);
        Candidate { election, offset: self.draw(1_000_000), rate: 960 + self.draw(80), asked: None, begun: None }
    }

    fn draw(&mut self, below: u64) -> u64 {
        self.count += 1;
        seed_of([&self.seed.to_be_bytes()[..], &self.count.to_be_bytes()[..]]) % below.max(1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.draw(100) < percent
    }

    fn at(&mut self, delay: u64, event: Event) {
        self.count += 1;
        self.events.insert((self.now + delay, self.count), event);
    }

    fn clock(&self, number: usize) -> Moment {
        let candidate = &self.candidates[number];
        Moment(Duration::from_millis(candidate.offset + self.now * candidate.rate / 1000))
    }

    /// Most messages are quick; some take as long as the faults allow.
    fn delay(&mut self) -> u64 {
        let longest = if self.chance(10) { self.faults.delay } else { self.faults.delay / 50 };
        self.draw(longest + 1)
    }

    /// Lets so much true time pass.
    pub fn pass(&mut self, span: Duration) {
        let end = self.now + u64::try_from(span.as_millis()).unwrap();
        while let Some((&(time, place), _)) = self.events.first_key_value()
            && time <= end
        {
            let event = self.events.remove(&(time, place)).unwrap();
            self.now = time;
            self.happen(event);
            self.check();
        }
        self.now = end;
    }

    /// Who is in office.
    pub fn leaders(&self) -> Vec<usize> {
        let leads = |number: &usize| self.candidates[*number].election.term(self.clock(*number)).is_some();
        (0..self.candidates.len()).filter(leads).collect()
    }

    /// How many terms there were.
    pub fn terms(&self) -> usize {
        self.epochs.len()
    }

    fn check(&mut self) {
        assert!(self.leaders().len() <= 1, "two in office at {}: {:?}, seed {}", self.now, self.leaders(), self.seed);
        for number in self.leaders() {
            let epoch = self.candidates[number].election.term(self.clock(number)).map(|term| term.epoch());
            if epoch != self.candidates[number].begun {
                self.candidates[number].begun = epoch;
                let epoch = epoch.unwrap();
                let before = self.epochs.last().copied();
                assert!(before < Some(epoch), "epoch {epoch:?} after {before:?}, seed {}", self.seed);
                self.epochs.push(epoch);
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Turn(number) => self.turn(number),
            Event::Serve(number, id, request) => self.serve(number, id, request),
            Event::Answer(number, id, answer) => self.answer(number, id, answer),
            Event::Deadline(number, id) => {
                if self.candidates[number].asked.take_if(|(asked, _)| *asked == id).is_some() {
                    let now = self.clock(number);
                    self.candidates[number].election.failed(now);
                    self.turn(number);
                }
            }
            Event::Watch(number, sighting) => {
                let now = self.clock(number);
                self.candidates[number].election.saw(sighting, now);
                self.turn(number);
            }
        }
    }

    fn turn(&mut self, number: usize) {
        if self.draw(1000) < self.faults.deletions && self.all_have_seen_it() && self.lease.take().is_some() {
            self.revision += 1;
            self.tell(&Sighting::Absent(Some(self.revision)));
        }
        if self.chance(self.faults.crashes) {
            self.candidates[number] = self.born();
            let pause = self.draw(3_000);
            return self.at(pause, Event::Turn(number));
        }
        if self.candidates[number].asked.is_some() {
            return;
        }
        let now = self.clock(number);
        if self.chance(self.faults.releases)
            && let Some(claim) = self.candidates[number].election.release(now)
        {
            return self.ask(number, Request::Write(claim));
        }
        match self.candidates[number].election.next(now) {
            Step::Read => self.ask(number, Request::Read),
            Step::Write(claim) => self.ask(number, Request::Write(claim)),
            Step::Wait(until) => {
                assert!(until > now, "it waits for what is past");
                let pause = u64::try_from(until.since(now).as_millis()).unwrap() + 1;
                self.at(pause, Event::Turn(number));
            }
            Step::StartOver => {
                self.candidates[number].election.started_over();
                let pause = self.draw(500);
                self.at(pause, Event::Turn(number));
            }
        }
    }

    /// Whoever did not see the Lease before it was deleted cannot know who held it.
    fn all_have_seen_it(&self) -> bool {
        let seen = |candidate: &Candidate| match &candidate.election.seen {
            Seen::There { lease, .. } => lease.revision == self.revision && candidate.asked.is_none(),
            Seen::Unknown | Seen::Absent { .. } => false,
        };
        self.candidates.iter().all(seen)
    }

    fn ask(&mut self, number: usize, request: Request) {
        self.count += 1;
        let id = self.count;
        self.candidates[number].asked = Some((id, self.clock(number)));
        let patience = u64::try_from(self.timing.attempt().as_millis()).unwrap();
        self.at(patience, Event::Deadline(number, id));
        if !self.chance(self.faults.lost) {
            let delay = self.delay();
            self.at(delay, Event::Serve(number, id, request));
        }
    }

    fn serve(&mut self, number: usize, id: u64, request: Request) {
        let answer = match request {
            Request::Read => Answer::Read(self.lease.clone().map_or(Sighting::Absent(None), Sighting::There)),
            Request::Write(claim) if claim.replaces == self.lease.as_ref().map(|lease| lease.revision) => {
                self.revision += 1;
                let Claim { holder, duration, transitions, .. } = claim.clone();
                let renewed = self.revision.to_string();
                let lease = Lease { holder, renewed, duration, transitions, revision: self.revision };
                self.lease = Some(lease.clone());
                self.tell(&Sighting::There(lease.clone()));
                Answer::Wrote(claim, lease)
            }
            Request::Write(_) => Answer::Conflict,
        };
        if !self.chance(self.faults.lost) {
            let delay = self.delay();
            self.at(delay, Event::Answer(number, id, answer));
        }
    }

    fn answer(&mut self, number: usize, id: u64, answer: Answer) {
        let Some((_, sent)) = self.candidates[number].asked.take_if(|(asked, _)| *asked == id) else { return };
        let now = self.clock(number);
        let election = &mut self.candidates[number].election;
        match answer {
            Answer::Read(sighting) => election.read(sighting, now),
            Answer::Wrote(claim, lease) => election.wrote(&claim, sent, lease, now),
            Answer::Conflict => election.conflicted(now),
        }
        self.turn(number);
    }

    fn tell(&mut self, sighting: &Sighting) {
        for number in 0..self.candidates.len() {
            if !self.chance(self.faults.lost) {
                let delay = self.delay();
                self.at(delay, Event::Watch(number, sighting.clone()));
            }
        }
    }
}
