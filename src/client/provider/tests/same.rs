//! The promise to whoever switches reloading off: every answer is that of the plain provider, byte for byte.
//! Must not know how either is made.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;

fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    // The same cases in every run, unless PROPTEST_RNG_SEED asks for others.
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        given => given,
    };
    ProptestConfig { cases, failure_persistence: None, rng_seed, ..default }
}

fn any_map() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i16>().prop_map(Value::from),
        (-2.0..2.0).prop_map(Value::from),
        "[ab17]{0,2}|true|off".prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            proptest::collection::btree_map("[a-c]", inner, 0..4).prop_map(Value::from_iter),
        ]
    });
    proptest::collection::btree_map("[a-c]", value, 0..4).prop_map(Value::from_iter)
}

fn any_path() -> impl Strategy<Value = String> {
    "([a-c](\\.[a-c]|\\[[01]\\]){0,3})?|[a-c.\\[\\]]{0,4}"
}

/// Everything that a program can be answered at a path, as text.
fn answers(provider: &impl ConfigProvider, path: &str) -> Vec<String> {
    fn shown<T: std::fmt::Debug>(value: Result<T, ReadError>) -> String {
        match value {
            Ok(value) => format!("{value:?}"),
            Err(error) => format!("{error} {error:?}"),
        }
    }
    let snapshot = provider.snapshot();
    vec![
        shown(provider.get::<Value>(path)),
        shown(provider.get::<String>(path)),
        shown(provider.get::<i8>(path)),
        shown(provider.get::<f64>(path)),
        shown(provider.get::<bool>(path)),
        shown(provider.get::<Option<u64>>(path)),
        shown(provider.get::<Vec<u32>>(path)),
        shown(provider.get::<BTreeMap<String, Value>>(path)),
        shown(provider.get::<Database>(path)),
        shown(provider.get_or(path, 7_u16)),
        format!("{} {} {}", provider.contains(path), provider.version(), provider.digest()),
        format!("{snapshot:?} {}", snapshot.tree().to_value()),
    ]
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn with_reloading_off_every_answer_is_the_plain_providers(
        base in any_map(),
        over in any_map(),
        value in "[a-b0-9{\\[\"]{0,3}|on|1",
        key in "[A-C](__[A-C])?",
        paths in proptest::collection::vec(any_path(), 1..6),
        switched in prop_oneof![Just(Some(false)), Just(None)],
    ) {
        let directory = directory(&[("app.json", &base.to_string()), ("app.production.yaml", &over.to_string())]);
        let variable = format!("APP__{key}");
        let settings = || settings(&directory, &[("REKINDLE_ENV", "production"), (&variable, &value)]);
        let builder = HotReloadProvider::builder(settings());
        // Off without a runtime: nothing can have been started.
        let hot = switched.map_or(HotReloadProvider::builder(settings()), |on| builder.reload(on)).start();
        match (EnvironmentProvider::load(settings()), hot) {
            (Ok(plain), Ok(hot)) => {
                prop_assert!(!hot.switch().on);
                fs::write(directory.path().join("app.json"), r#"{"a": "changed"}"#).unwrap();
                for path in &paths {
                    prop_assert_eq!(answers(&plain, path), answers(&hot, path));
                }
            }
            (Err(plain), Err(hot)) => prop_assert_eq!(format!("{plain} {plain:?}"), format!("{hot} {hot:?}")),
            (plain, hot) => prop_assert!(false, "{:?} and {:?}", plain.err(), hot.err()),
        }
    }
}
