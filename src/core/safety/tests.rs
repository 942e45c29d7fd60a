//! What holds reloads, by story and against naive models.
//! Must not look into the states.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::cases::cases;
use crate::layers::{Because, Switch};
use crate::retry::Backoff;

const SECOND: i64 = 1000;

fn rules() -> Rules {
    let open_for = Backoff { first: Duration::from_secs(10), cap: Duration::from_secs(35) };
    let breaker = FuseRules { consecutive_failures: 2, open_for };
    Rules { breaker, rate: Rate { reloads: 100, per: Duration::from_secs(1) } }
}

/// Begins and ends a reload; what held it otherwise.
fn reload(safety: &mut Safety, ended: Ended, now: i64) -> Result<(), Vec<Hold>> {
    let begun = safety.begin(&Signals::default(), Intent::Reload, Timestamp(now))?;
    safety.end(begun, ended, Timestamp(now));
    Ok(())
}

fn fails(safety: &mut Safety, now: i64) {
    reload(safety, Ended::Failed("the pool refused it".to_owned()), now).unwrap();
}

fn held_until(safety: &Safety, now: i64) -> Option<i64> {
    let holds = safety.holds(&Signals::default(), Intent::Reload, Timestamp(now));
    holds.first().and_then(|hold| hold.until).map(|until| until.0)
}

#[test]
fn the_breaker_opens_for_longer_each_time_and_a_success_closes_it() {
    let mut safety = Safety::new(rules());
    fails(&mut safety, 0);
    reload(&mut safety, Ended::Nothing, 0).unwrap();
    fails(&mut safety, 0);
    for (now, open_for) in [(0, 10), (10, 20), (30, 35), (65, 35)] {
        let until = (now + open_for) * SECOND;
        if now > 0 {
            fails(&mut safety, now * SECOND);
        }
        assert_eq!(held_until(&safety, now * SECOND), Some(until));
        assert_eq!(held_until(&safety, until - 1), Some(until));
        assert_eq!(held_until(&safety, until), None);
    }
    reload(&mut safety, Ended::Applied, 100 * SECOND).unwrap();
    fails(&mut safety, 100 * SECOND);
    assert_eq!(held_until(&safety, 100 * SECOND), None, "one failure is not enough again");
    fails(&mut safety, 100 * SECOND);
    assert_eq!(held_until(&safety, 100 * SECOND), Some(110 * SECOND), "and it begins with the short time");
    safety.close_breaker();
    assert_eq!(held_until(&safety, 100 * SECOND), None);
}

#[test]
fn a_half_open_breaker_lets_one_try() {
    let mut safety = Safety::new(rules());
    fails(&mut safety, 0);
    fails(&mut safety, 0);
    let (signals, later) = (Signals::default(), Timestamp(20 * SECOND));
    let trial = safety.begin(&signals, Intent::Reload, later).unwrap();
    let others = safety.begin(&signals, Intent::Reload, later).unwrap_err();
    assert_eq!(others, [Hold { why: Why::Trial, until: None }]);
    safety.end(trial, Ended::Nothing, later);
    let trial = safety.begin(&signals, Intent::Reload, later).unwrap();
    safety.end(trial, Ended::Applied, later);
    let one = safety.begin(&signals, Intent::Reload, later).unwrap();
    let other = safety.begin(&signals, Intent::Reload, later).unwrap();
    safety.end(one, Ended::Applied, later);
    safety.end(other, Ended::Applied, later);
}

#[test]
fn everything_that_holds_is_told() {
    let mut safety = Safety::new(Rules { rate: Rate { reloads: 2, per: Duration::from_secs(9) }, ..rules() });
    fails(&mut safety, 0);
    fails(&mut safety, 0);
    let signals = Signals {
        switch: Some(Switch { on: false, because: Because::Production }),
        file: Sign::of_file("latency doubled\u{7}\nask Kim"),
        variable: Sign::of_variable(Some("true")),
        call: Sign::Unreadable,
    };
    let holds = safety.begin(&signals, Intent::Reload, Timestamp(1)).unwrap_err();
    let told: Vec<_> = holds.iter().map(|hold| (hold.why.code(), hold.why.to_string())).collect();
    let expected = [
        ("switched_off", "hot reload is off: the environment is production, where it must be allowed"),
        ("stop_file", "emergency stop by file: latency doubled"),
        ("stop_variable", "emergency stop by variable"),
        ("stop_call", "emergency stop by call: it cannot be read"),
        ("breaker", "the breaker is open after failed reloads, the last: the pool refused it"),
        ("rate", "2 reloads within 9s are the limit"),
    ];
    assert_eq!(told, expected.map(|(code, text)| (code, text.to_owned())));
    let holds = safety.begin(&signals, Intent::Rollback, Timestamp(1)).unwrap_err();
    assert_eq!(holds.len(), 1, "a rollback is held by the switch alone");
    let on = Signals { switch: Some(Switch { on: true, because: Because::Argument }), ..signals };
    let rollback = safety.begin(&on, Intent::Rollback, Timestamp(1)).unwrap();
    safety.end(rollback, Ended::Applied, Timestamp(1));
    let holds = safety.holds(&Signals::default(), Intent::Reload, Timestamp(1));
    assert_eq!(holds.len(), 2, "and opens or closes nothing");
}

#[test]
fn a_variable_stops_unless_it_says_no() {
    for (text, sign) in [
        (None, Sign::Absent),
        (Some(""), Sign::Absent),
        (Some(" "), Sign::Absent),
        (Some("false"), Sign::Absent),
        (Some("0"), Sign::Absent),
        (Some("1"), Sign::Stop(String::new())),
        (Some("on"), Sign::Stop(String::new())),
        (Some("latency doubled"), Sign::Stop("latency doubled".to_owned())),
    ] {
        assert_eq!(Sign::of_variable(text), sign, "{text:?}");
    }
    let signals = Signals { file: Sign::of_file(&"é".repeat(500)), ..Signals::default() };
    let holds = Safety::new(rules()).holds(&signals, Intent::Reload, Timestamp(0));
    let [Hold { why: Why::StoppedByFile { reason }, until: None }] = holds.as_slice() else { panic!("{holds:?}") };
    assert_eq!(reason.chars().count(), MAX_REASON);
}

#[test]
fn events_tell_what_began_and_what_ended() {
    let breaker = |until| Hold { why: Why::Breaker { reason: "a".to_owned() }, until: Some(Timestamp(until)) };
    let trial = Hold { why: Why::Trial, until: None };
    assert_eq!(events(&[], &[breaker(1)]), [Event::Began(breaker(1))]);
    assert_eq!(events(&[breaker(1)], &[breaker(2)]), []);
    assert_eq!(
        events(&[breaker(1)], std::slice::from_ref(&trial)),
        [Event::Ended(breaker(1).why), Event::Began(trial)]
    );
}

proptest! {
    #![proptest_config(cases(512))]

    /// In no span are there more than allowed, and one that is refused would have been too many.
    #[test]
    fn the_rate_is_kept_and_nothing_is_held_for_no_reason(
        reloads in 0..5_usize,
        per in 0..300_u64,
        pauses in vec(0..120_i64, 0..60),
    ) {
        let rate = Rate { reloads, per: Duration::from_millis(per) };
        let mut safety = Safety::new(Rules { rate, ..rules() });
        let (mut now, mut begun): (i64, Vec<i64>) = (0, Vec::new());
        let per = i64::try_from(per).unwrap();
        for pause in pauses {
            now += pause;
            let lately = begun.iter().filter(|time| now - **time < per).count();
            match reload(&mut safety, Ended::Applied, now) {
                Ok(()) => {
                    prop_assert!(lately < reloads.max(1));
                    begun.push(now);
                }
                Err(holds) => {
                    prop_assert!(lately >= reloads.max(1));
                    let until = holds[0].until.unwrap().0;
                    prop_assert!(begun.iter().filter(|time| until - **time < per).count() < reloads.max(1));
                    prop_assert!(begun.iter().filter(|time| until - 1 - **time < per).count() >= reloads.max(1));
                }
            }
        }
    }

    /// Reloads that fail are never let through for good, nor held for good: each wait ends, and grows to the cap.
    #[test]
    fn a_breaker_that_only_sees_failures_settles_at_its_cap(steps in vec(0..5 * SECOND, 1..80)) {
        let mut safety = Safety::new(rules());
        let (mut now, mut in_a_row) = (0, 0);
        for step in steps {
            now += step;
            match held_until(&safety, now) {
                Some(until) => {
                    prop_assert!(until > now && until - now <= 35 * SECOND);
                    in_a_row = 0;
                    now = until;
                }
                None => {
                    fails(&mut safety, now);
                    in_a_row += 1;
                    prop_assert!(in_a_row <= 2);
                }
            }
        }
    }
}
