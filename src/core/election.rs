//! Who leads: decided from the Lease as it was seen and from the time of one's own monotonic clock.
//! Must not compare the clocks of two machines: a Lease has expired when it was *seen* unchanged for its duration,
//! whatever times stand in it.

mod timing;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use timing::{LONGEST_LEASE, SHORTEST_LEASE, Timing, TimingError};

use crate::ids::Epoch;

/// A time on the monotonic clock of one process, as the time since a moment that it chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Moment(pub Duration);

impl Moment {
    /// The moment that lies `span` later; saturates.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long ago `earlier` was; zero when it lies in the future.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What the Lease says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Who holds it; nobody after a release.
    pub holder: Option<String>,
    /// When it was renewed by the holder's clock: never read, only compared for being another.
    pub renewed: String,
    /// For how long it holds after a renewal.
    pub duration: Duration,
    /// How often the holder has changed.
    pub transitions: u32,
    /// Rises with every write of the object, whoever wrote; 0 when it is not known.
    pub revision: u64,
}

/// The Lease as a read or a watch tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sighting {
    /// It is there.
    There(Lease),
    /// It is not there; with the revision of its deletion, where that is known.
    Absent(Option<u64>),
}

/// A time in office.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// How often the holder had changed when it began; stays the same to its end.
    pub transitions: u32,
    /// When it ends unless it is renewed: before anybody else can take the Lease for expired.
    pub until: Moment,
    /// When the last write that was acknowledged was sent.
    confirmed: Moment,
}

impl Term {
    /// The epoch that goes out with every push of this term.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        Epoch(u64::from(self.transitions).saturating_add(1))
    }
}

/// Why the Lease is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To begin a term.
    Acquire,
    /// To go on.
    Renew,
    /// To let others begin at once.
    Release,
}

/// A write of the Lease, which must be refused when the Lease is no longer at the revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What for.
    pub purpose: Purpose,
    /// Who is to hold it.
    pub holder: Option<String>,
    /// For how long it is to hold.
    pub duration: Duration,
    /// How often the holder has changed then.
    pub transitions: u32,
    /// The revision that it replaces; none when the Lease is to be created.
    pub replaces: Option<u64>,
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read the Lease.
    Read,
    /// Write the Lease.
    Write(Claim),
    /// Do nothing before this moment, unless the Lease is seen to change.
    Wait(Moment),
    /// Look at the cluster anew before standing again: a term ended against one's will, or the API server was out of
    /// reach for so long that what the watches told may be old.
    StartOver,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    /// Not looked at yet.
    Unknown,
    /// Nobody may create it before this moment: whoever held it may not know yet that it is gone.
    Absent { free: Moment },
    /// With the moment since which it has been seen unchanged.
    There { lease: Lease, since: Moment },
}

/// One candidate's view of the election.
///
/// # Guarantees
/// Of candidates whose clocks run at rates that differ by less than [`Timing`]'s margin, at most one is in office at
/// any time, and each term has a larger epoch than all before. That holds over a deletion of the Lease as far as the
/// candidates had seen who held it; its holder creates it again at once.
///
/// # Assumptions
/// A write is carried out only on the revision that it names, and its answer comes after it was carried out.
#[derive(Debug, Clone)]
pub struct Election {
    identity: String,
    timing: Timing,
    seen: Seen,
    term: Option<Term>,
    /// The number of changes that the next term begins with, at least.
    next: u32,
    /// The count of the last claim to a Lease that was there. When its answer was lost and the Lease shows it, nobody
    /// else can have been in office since. Of a claim that created the Lease that is not sure: it may have been late,
    /// and others may have come and gone.
    claimed: Option<u32>,
    /// A write came to no answer, so nobody knows which revision there is.
    doubtful: bool,
    /// Nothing is asked before this moment.
    not_before: Moment,
    /// When the API server last answered.
    touched: Option<Moment>,
    /// Whether what is known of the cluster may be old.
    stale: bool,
}

impl Election {
    /// A candidate of this name, which no other process may bear, not even an earlier one of the same pod.
    ///
    /// The first term begins with at least `floor` changes of the holder. A floor that rises from one start of a
    /// process to the next, such as minutes since a fixed day, keeps epochs rising over the deletion of the Lease.
    #[must_use]
    pub fn new(identity: String, timing: Timing, floor: u32) -> Self {
        Self {
            identity,
            timing,
            seen: Seen::Unknown,
            term: None,
            next: floor,
            claimed: None,
            doubtful: false,
            not_before: Moment::default(),
            touched: None,
            stale: false,
        }
    }

    /// The term under way at this moment.
    #[must_use]
    pub fn term(&self, now: Moment) -> Option<Term> {
        self.term.filter(|term| now < term.until)
    }

    /// What to do now.
    pub fn next(&mut self, now: Moment) -> Step {
        if self.term.is_some() && self.term(now).is_none() {
            self.lose();
        }
        if self.stale {
            return Step::StartOver;
        }
        if now < self.not_before {
            return Step::Wait(self.not_before);
        }
        let step = self.choose(now);
        if let Step::Write(Claim { purpose: Purpose::Acquire, transitions, replaces, .. }) = &step {
            self.claimed = replaces.is_some().then_some(*transitions);
        }
        step
    }

    fn choose(&self, now: Moment) -> Step {
        match &self.seen {
            _ if self.doubtful => Step::Read,
            Seen::Unknown => Step::Read,
            Seen::Absent { free } => match self.term {
                Some(term) => Step::Write(self.claim(Purpose::Renew, term.transitions, None)),
                None if now >= *free => Step::Write(self.claim(Purpose::Acquire, self.next, None)),
                None => self.look_again(now, *free),
            },
            Seen::There { lease, since } => match self.term {
                Some(term) => {
                    let due = term.confirmed.after(self.timing.retry());
                    let claim = self.claim(Purpose::Renew, term.transitions, Some(lease.revision));
                    if now >= due { Step::Write(claim) } else { Step::Wait(due) }
                }
                None => {
                    let free = if self.is_free(lease) { now } else { since.after(lease.duration) };
                    let claim = self.claim(Purpose::Acquire, self.next, Some(lease.revision));
                    if now >= free { Step::Write(claim) } else { self.look_again(now, free) }
                }
            },
        }
    }

    /// Ends the term of one's own will, and says what to write so that another can begin at once. The term is over
    /// before the write goes out, for its answer may get lost.
    pub fn release(&mut self, now: Moment) -> Option<Claim> {
        let term = self.term(now)?;
        self.term = None;
        let Seen::There { lease, .. } = &self.seen else { return None };
        let claim = self.claim(Purpose::Release, term.transitions, Some(lease.revision));
        Some(Claim { holder: None, ..claim })
    }

    /// The Lease was read: the API server is in reach.
    pub fn read(&mut self, sighting: Sighting, now: Moment) {
        self.touch(now);
        self.doubtful = false;
        self.saw(sighting, now);
    }

    /// The Lease was read, or a watch told of it. What is older than what is known already changes nothing.
    pub fn saw(&mut self, sighting: Sighting, now: Moment) {
        match sighting {
            Sighting::There(lease) => self.saw_there(lease, now),
            Sighting::Absent(revision) => self.saw_absent(revision, now),
        }
        if self.term.is_some() && !self.is_mine() {
            self.lose();
        }
    }

    /// A write that was sent at `sent` was carried out, and the Lease is now this.
    pub fn wrote(&mut self, claim: &Claim, sent: Moment, lease: Lease, now: Moment) {
        self.touch(now);
        self.not_before = now;
        let until = sent.after(self.timing.renew_deadline());
        let term = Term { transitions: claim.transitions, until, confirmed: sent };
        match claim.purpose {
            Purpose::Acquire if now < until => self.term = Some(term),
            // An answer that came too late gives nothing: others may have waited long enough already.
            Purpose::Acquire => {}
            Purpose::Renew if self.term.is_some_and(|known| now < known.until) => self.term = Some(term),
            Purpose::Renew | Purpose::Release => {}
        }
        self.saw(Sighting::There(lease), now);
    }

    /// A read or write was refused or came to no answer: nobody knows what became of it.
    pub fn failed(&mut self, now: Moment) {
        self.doubtful = true;
        self.not_before = now.after(self.timing.retry());
    }

    /// A write was refused because the Lease is at another revision: the API server is in reach.
    pub fn conflicted(&mut self, now: Moment) {
        self.touch(now);
        self.doubtful = true;
    }

    /// The cluster was looked at anew, so it is fair to stand again.
    pub fn started_over(&mut self) {
        self.stale = false;
        self.touched = None;
    }

    /// Whether nobody can be in office by this Lease.
    fn is_free(&self, lease: &Lease) -> bool {
        match &lease.holder {
            None => true,
            Some(holder) => *holder == self.identity && self.claimed == Some(lease.transitions),
        }
    }

    /// Whoever waits looks again now and then, for a watch may be deaf.
    fn look_again(&self, now: Moment, free: Moment) -> Step {
        let due = self.touched.map_or(now, |touched| touched.after(self.timing.retry()));
        if now >= due { Step::Read } else { Step::Wait(due.min(free)) }
    }

    fn claim(&self, purpose: Purpose, transitions: u32, replaces: Option<u64>) -> Claim {
        let (holder, duration) = (Some(self.identity.clone()), self.timing.lease());
        Claim { purpose, holder, duration, transitions, replaces }
    }

    fn saw_there(&mut self, lease: Lease, now: Moment) {
        self.next = self.next.max(lease.transitions.saturating_add(1));
        let since = match &self.seen {
            Seen::There { lease: known, .. } if known.revision > lease.revision => return,
            Seen::There { lease: known, since } if is_same(known, &lease) => *since,
            _ => now,
        };
        self.seen = Seen::There { lease, since };
    }

    fn saw_absent(&mut self, revision: Option<u64>, now: Moment) {
        let free = match &self.seen {
            Seen::There { lease, .. } if revision.is_some_and(|revision| revision < lease.revision) => return,
            Seen::Absent { free } => *free,
            // Somebody may have got it since it was last seen.
            Seen::There { lease, .. } => now.after(lease.duration),
            Seen::Unknown => now,
        };
        self.seen = Seen::Absent { free };
    }

    /// Whether what is known of the Lease lets the term go on.
    fn is_mine(&self) -> bool {
        match (&self.seen, self.term) {
            (Seen::There { lease, .. }, Some(term)) => {
                lease.holder.as_ref() == Some(&self.identity) && lease.transitions == term.transitions
            }
            // It is created again, if nobody else is faster.
            (Seen::Absent { .. } | Seen::Unknown, _) => true,
            (_, None) => false,
        }
    }

    fn lose(&mut self) {
        self.term = None;
        self.stale = true;
    }

    fn touch(&mut self, now: Moment) {
        let gap = self.touched.map(|touched| now.since(touched));
        if gap.is_some_and(|gap| gap > self.timing.renew_deadline()) {
            self.stale = true;
        }
        self.touched = Some(now);
    }
}

/// Whether the holder gave no sign of life between the two: what others write beside it is none.
fn is_same(known: &Lease, seen: &Lease) -> bool {
    let Lease { holder, renewed, duration, transitions, revision: _ } = seen;
    known.holder == *holder
        && known.renewed == *renewed
        && known.duration == *duration
        && known.transitions == *transitions
}
