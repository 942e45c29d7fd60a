//! Selection, endpoints and claims, tested as tables of pods against rules.

use std::time::Duration;

use super::address::AddressRules;
use super::claims::{Claim, owner_of, share_of};
use super::endpoint::{PortRef, PushPath, TargetRules, check_timeout, parse_timeout, target_of};
use super::select::{InvalidRequirement, LabelSelector, Requirement, accepts, opted_in};
use super::*;
use crate::ids::{Namespace, PolicyId};

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text).unwrap()
}

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A ready pod of the app `checkout` at 10.0.0.7 with its consent and these annotations.
fn pod(annotations: &[(&str, &str)]) -> PodFacts {
    let mut annotations = map(annotations);
    annotations.entry("reload".to_owned()).or_insert_with(|| "true".to_owned());
    PodFacts {
        name: name("checkout-0"),
        uid: Uid::parse("0f1e").unwrap(),
        labels: map(&[("app", "checkout")]),
        annotations,
        address: Some([10, 0, 0, 7].into()),
        host_network: false,
        named_ports: BTreeMap::from([("config".to_owned(), 9090)]),
        running: true,
        ready: true,
        started: Timestamp(5),
    }
}

fn selector(labels: &[(&str, &str)]) -> LabelSelector {
    LabelSelector { match_labels: map(labels), match_expressions: Vec::new() }
}

fn rules() -> TargetRules {
    TargetRules {
        selector: selector(&[("app", "checkout")]),
        port: PortRef::Number(8080),
        path: PushPath::parse("/rekindle/v1/config").unwrap(),
        payload: Payload::Content,
        timeout: Duration::from_secs(5),
        host_network: false,
    }
}

fn target(rules: &TargetRules, pod: &PodFacts) -> Option<Target> {
    target_of(&name("checkout"), rules, pod, AddressRules::default())
}

fn endpoint(annotations: &[(&str, &str)]) -> Result<Endpoint, TargetProblem> {
    target(&rules(), &pod(annotations)).unwrap().endpoint
}

#[test]
fn a_selector_demands_all_of_its_parts() {
    let labels = map(&[("app", "checkout"), ("tier", "web")]);
    let values = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>();
    let cases = [
        ("app", "In", values(&["checkout", "cart"]), true),
        ("app", "In", values(&["cart"]), false),
        ("zone", "In", values(&["a"]), false),
        ("app", "NotIn", values(&["cart"]), true),
        ("app", "NotIn", values(&["checkout"]), false),
        ("zone", "NotIn", values(&["a"]), true),
        ("tier", "Exists", values(&[]), true),
        ("zone", "Exists", values(&[]), false),
        ("tier", "DoesNotExist", values(&[]), false),
        ("zone", "DoesNotExist", values(&[]), true),
    ];
    for (key, operator, values, matches) in cases {
        let requirement = Requirement::parse(key, operator, values).unwrap();
        let mut selector = selector(&[("app", "checkout")]);
        selector.match_expressions.push(requirement.clone());
        assert_eq!(selector.matches(&labels), matches, "{requirement:?}");
    }
    assert!(LabelSelector::default().matches(&labels), "the empty selector selects everything");
    assert!(!selector(&[("app", "Checkout")]).matches(&labels));
    assert!(!selector(&[("zone", "")]).matches(&labels), "an empty value is not a missing label");
}

#[test]
fn a_selector_that_makes_no_sense_is_refused() {
    let parse = |operator, values: &[&str]| {
        Requirement::parse("app", operator, values.iter().map(|value| (*value).to_owned())).unwrap_err()
    };
    assert_eq!(parse("In", &[]).to_string(), "the operator In on `app` needs at least one value");
    assert_eq!(parse("NotIn", &[]).to_string(), "the operator NotIn on `app` needs at least one value");
    assert_eq!(parse("Exists", &["a"]).to_string(), "the operator Exists on `app` takes no values");
    assert_eq!(parse("DoesNotExist", &["a"]).to_string(), "the operator DoesNotExist on `app` takes no values");
    assert_eq!(parse("in", &["a"]), InvalidRequirement::Operator("in".to_owned()));
}

#[test]
fn only_the_exact_word_is_consent() {
    assert!(opted_in(&pod(&[])));
    for other in ["True", "yes", "1", "", " true", "false"] {
        assert!(!opted_in(&pod(&[("reload", other)])), "{other:?}");
        assert_eq!(target(&rules(), &pod(&[("reload", other)])), None, "{other:?}");
    }
    let mut silent = pod(&[]);
    silent.annotations.clear();
    assert!(!opted_in(&silent));
}

#[test]
fn a_pod_that_names_a_policy_accepts_no_other() {
    assert!(accepts(&pod(&[]), &name("checkout")));
    assert!(accepts(&pod(&[("policy", "checkout")]), &name("checkout")));
    for other in ["cart", "", "Checkout", "checkout "] {
        assert!(!accepts(&pod(&[("policy", other)]), &name("checkout")), "{other:?}");
        assert_eq!(target(&rules(), &pod(&[("policy", other)])), None, "{other:?}");
    }
}

#[test]
fn a_target_carries_the_life_and_the_readiness_of_its_pod() {
    let found = target(&rules(), &PodFacts { ready: false, ..pod(&[]) }).unwrap();
    assert_eq!(found.key, TargetKey { uid: Uid::parse("0f1e").unwrap(), started: Timestamp(5) });
    assert_eq!((found.pod.as_str(), found.ready), ("checkout-0", false));
}

#[test]
fn pods_that_do_not_run_or_have_no_address_are_not_targets_yet() {
    assert_eq!(target(&rules(), &PodFacts { running: false, ..pod(&[]) }), None);
    assert_eq!(target(&rules(), &PodFacts { address: None, ..pod(&[]) }), None);
    assert_eq!(target(&rules(), &PodFacts { labels: BTreeMap::new(), ..pod(&[]) }), None);
}

#[test]
fn the_policy_says_where_a_pod_listens() {
    let expected = Endpoint {
        address: [10, 0, 0, 7].into(),
        port: 8080,
        path: "/rekindle/v1/config".to_owned(),
        payload: Payload::Content,
        timeout: Duration::from_secs(5),
    };
    assert_eq!(endpoint(&[]), Ok(expected.clone()));
    assert_eq!(endpoint(&[("subscribe", "a.**"), ("unheard-of", "x")]), Ok(expected), "others' annotations");
}

#[test]
fn annotations_go_before_the_policy() {
    let found = endpoint(&[("port", "config"), ("path", "/reload"), ("timeout", "500ms")]).unwrap();
    assert_eq!((found.port, found.path.as_str(), found.timeout), (9090, "/reload", Duration::from_millis(500)));
    assert_eq!(endpoint(&[("port", "65535")]).unwrap().port, 65535);
}

#[test]
fn an_annotation_out_of_bounds_is_a_problem_and_never_ignored() {
    let cases = [
        ("port", "0"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", ""),
        ("port", "Http"),
        ("path", "reload"),
        ("path", "/a/../b"),
        ("timeout", "99ms"),
        ("timeout", "5"),
    ];
    for (annotation, value) in cases {
        match endpoint(&[(annotation, value)]) {
            Err(TargetProblem::Annotation { annotation: named, .. }) => assert_eq!(named, annotation, "{value:?}"),
            other => panic!("{annotation}={value:?}: {other:?}"),
        }
    }
    let problem = endpoint(&[("port", "70000")]).unwrap_err().to_string();
    assert_eq!(problem, "the annotation rekindle.dev/port is not usable: a port number lies between 1 and 65535");
}

#[test]
fn a_named_port_that_the_pod_lacks_is_a_problem() {
    assert_eq!(endpoint(&[("port", "http")]), Err(TargetProblem::NoSuchPort("http".to_owned())));
    let rules = TargetRules { port: PortRef::Name("config".to_owned()), ..rules() };
    assert_eq!(target(&rules, &pod(&[])).unwrap().endpoint.unwrap().port, 9090);
    let nameless = PodFacts { named_ports: BTreeMap::new(), ..pod(&[]) };
    assert_eq!(target(&rules, &nameless).unwrap().endpoint, Err(TargetProblem::NoSuchPort("config".to_owned())));
}

#[test]
fn a_forbidden_address_is_a_problem_and_loopback_can_be_allowed() {
    let local = PodFacts { address: Some([127, 0, 3, 4].into()), ..pod(&[]) };
    assert!(matches!(target(&rules(), &local).unwrap().endpoint, Err(TargetProblem::Address(..))));
    let allowed = target_of(&name("checkout"), &rules(), &local, AddressRules { allow_loopback: true });
    assert!(allowed.unwrap().endpoint.is_ok());
}

#[test]
fn pods_on_their_nodes_network_are_targets_only_if_the_policy_says_so() {
    let host = PodFacts { host_network: true, ..pod(&[]) };
    let refused = target(&rules(), &host).unwrap().endpoint.unwrap_err().to_string();
    assert!(refused.contains("node's network"), "{refused}");
    assert!(target(&TargetRules { host_network: true, ..rules() }, &host).unwrap().endpoint.is_ok());
    let metadata = PodFacts { address: Some([169, 254, 169, 254].into()), ..host };
    assert!(target(&TargetRules { host_network: true, ..rules() }, &metadata).unwrap().endpoint.is_err());
}

#[test]
fn ports_are_numbers_or_names_of_container_ports() {
    assert_eq!(PortRef::parse("1"), Ok(PortRef::Number(1)));
    for good in ["http", "a", "x-1", "p2p", "web-metrics-123"] {
        assert_eq!(PortRef::parse(good), Ok(PortRef::Name(good.to_owned())));
    }
    for bad in ["", "-a", "a-", "a--b", "80-1", "HTTP", "a_b", "sixteen-letters-", "port-name-too-long", "+80", " 80"] {
        assert!(PortRef::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn paths_lead_nowhere_but_where_they_say() {
    let longest = format!("/{}", "a".repeat(1023));
    for good in ["/", "/-/reload", "/rekindle/v1/config", "/a/", "/a.b/..c/...", "/a;v=1/b", "/%41%20b", &longest] {
        assert_eq!(PushPath::parse(good).map(|path| path.as_str().to_owned()), Ok(good.to_owned()));
    }
    let too_long = format!("{longest}a");
    let hidden =
        ["/%2e%2e/a", "/a%2E", "/a%2fb", "/a%5cb", "/a%00", "/a%0d%0aHost:x", "/%252e", "/a%3fb", "/a%23", "/..%3b"];
    let plain =
        ["", "a", "http://host/a", "//host/a", "/a//b", "/http://a", "/..", "/a/../b", "/a/..", "/./a", "/..;a/b"];
    let odd = ["/a?b", "/a#b", "/a b", "/a\\b", "/a\nb", "/a\u{7f}", "/ä", "/a%", "/a%4", "/a%zz", "/%é", "/a\"b"];
    for bad in hidden.into_iter().chain(plain).chain(odd).chain([too_long.as_str()]) {
        assert!(PushPath::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn timeouts_are_whole_numbers_with_a_unit_within_bounds() {
    for (text, millis) in
        [("100ms", 100), ("500ms", 500), ("2s", 2000), ("60s", 60_000), ("1m", 60_000), ("60000ms", 60_000)]
    {
        assert_eq!(parse_timeout(text), Ok(Duration::from_millis(millis)), "{text}");
    }
    let huge = "9".repeat(40) + "s";
    for bad in ["", "s", "5", "99ms", "0s", "61s", "2m", "1h", "1.5s", "-1s", "+1s", " 1s", "1 s", "1S", "é", &huge] {
        assert!(parse_timeout(bad).is_err(), "{bad:?}");
    }
    assert!(parse_timeout("18446744073709551615m").is_err());
    assert!(check_timeout(Duration::from_millis(99)).is_err());
    assert_eq!(check_timeout(Duration::from_secs(60)), Ok(Duration::from_secs(60)));
}

fn policy(namespace: &str, text: &str) -> PolicyId {
    PolicyId { namespace: Namespace::parse(namespace).unwrap(), name: name(text) }
}

#[test]
fn the_older_policy_owns_a_pod_that_two_name() {
    let (old, new) = (policy("shop", "zebra"), policy("shop", "aardvark"));
    let (app, all) = (selector(&[("app", "checkout")]), LabelSelector::default());
    let claims = [
        Claim { policy: &new, created: Timestamp(2), selector: &all },
        Claim { policy: &old, created: Timestamp(1), selector: &app },
    ];
    let reversed = [claims[1], claims[0]];
    for claims in [claims, reversed] {
        assert_eq!(owner_of(&pod(&[]), &claims), Some(&old));
        assert_eq!(owner_of(&pod(&[("policy", "aardvark")]), &claims), Some(&new), "the pod's word goes first");
        assert_eq!(owner_of(&pod(&[("policy", "nobody")]), &claims), None);
        assert_eq!(owner_of(&pod(&[("reload", "no")]), &claims), None);
        let other = PodFacts { labels: BTreeMap::new(), ..pod(&[]) };
        assert_eq!(owner_of(&other, &claims), Some(&new), "the older one does not select it");
    }
}

#[test]
fn of_equal_age_the_first_by_name_owns_the_pod() {
    let (first, second) = (policy("shop", "a"), policy("shop", "b"));
    let all = LabelSelector::default();
    let claim = |policy| Claim { policy, created: Timestamp(1), selector: &all };
    assert_eq!(owner_of(&pod(&[]), &[claim(&second), claim(&first)]), Some(&first));
}

#[test]
fn a_policy_gets_its_own_pods_and_hears_who_has_the_others() {
    let (old, new, foreign) = (policy("shop", "old"), policy("shop", "new"), policy("bank", "old"));
    let (app, all) = (selector(&[("app", "checkout")]), LabelSelector::default());
    let claims = [
        Claim { policy: &foreign, created: Timestamp(0), selector: &all },
        Claim { policy: &old, created: Timestamp(1), selector: &app },
        Claim { policy: &new, created: Timestamp(2), selector: &all },
    ];
    let free = PodFacts { name: name("free"), labels: BTreeMap::new(), ..pod(&[]) };
    let shut = PodFacts { name: name("shut"), ..pod(&[("reload", "off")]) };
    let pods = [pod(&[]), free, shut];
    let share = share_of(&new, &pods, &claims);
    assert_eq!(share.ours, [&pods[1]]);
    assert_eq!(share.taken, BTreeMap::from([(&pods[0].name, &old)]));
    let share = share_of(&old, &pods, &claims);
    assert_eq!((share.ours, share.taken), (vec![&pods[0]], BTreeMap::new()));
    let share = share_of(&policy("shop", "unknown"), &pods, &claims);
    assert_eq!((share.ours, share.taken), (vec![], BTreeMap::new()), "a policy without a claim gets nothing");
}
