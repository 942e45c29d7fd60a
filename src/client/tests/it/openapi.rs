//! The contract's documents against the code: what they show must be what is sent, taken and understood.

use std::path::PathBuf;

use rekindle_client::{DEFAULT_PATH, Digest, DocumentName, Reason, SIGNATURE_HEADER};
use rekindle_core::contract::answer::{AnswerBody, MAX_REASON, interpret};
use rekindle_core::contract::body::{Body, Limits, MAX_CHANGED};
use rekindle_core::document::Format;
use rekindle_core::format::{Dialect, parse};
use rekindle_core::target::Answer;
use serde_json::{Value, json};

use crate::push;

fn document(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn openapi() -> Value {
    let name = DocumentName::parse("reload-contract.openapi.yaml").unwrap();
    let text = document(name.as_str());
    parse(&name, text.as_bytes(), Dialect::Yaml12).unwrap_or_else(|findings| panic!("{findings:?}")).unwrap()
}

fn resolve<'api>(api: &'api Value, node: &'api Value) -> &'api Value {
    match node["$ref"].as_str() {
        Some(reference) => {
            let target = api.pointer(reference.strip_prefix('#').unwrap());
            resolve(api, target.unwrap_or_else(|| panic!("{reference} leads nowhere")))
        }
        None => node,
    }
}

/// The part of JSON Schema that the document uses, patterns left out: those are the decoder's affair.
fn fits(api: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolve(api, schema);
    let of_type = match schema["type"].as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_u64(),
        Some("null") => value.is_null(),
        Some(other) => return Err(format!("unexpected type {other}")),
        None => true,
    };
    if !of_type {
        return Err(format!("{value} is not of type {}", schema["type"]));
    }
    for name in list(&schema["required"]) {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{name} is missing"));
        }
    }
    if schema["enum"].is_array() && !list(&schema["enum"]).contains(value) {
        return Err(format!("{value} is not one of {}", schema["enum"]));
    }
    let alternatives = list(&schema["oneOf"]);
    if !alternatives.is_empty() && alternatives.iter().filter(|one| fits(api, one, value).is_ok()).count() != 1 {
        return Err(format!("{value} does not fit exactly one alternative"));
    }
    for item in list(value) {
        fits(api, &schema["items"], &item)?;
    }
    if let (Some(properties), Some(fields)) = (schema["properties"].as_object(), value.as_object()) {
        for (name, field) in fields {
            let schema = properties.get(name).ok_or_else(|| format!("{name} is not described"))?;
            fits(api, schema, field)?;
        }
    }
    Ok(())
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// Every example below this node.
fn examples(api: &Value, media: &Value) -> Vec<Value> {
    let named = media["examples"].as_object().cloned().unwrap_or_default();
    named.values().map(|example| resolve(api, example)["value"].clone()).collect()
}

fn assert_fits(api: &Value, schema: &str, value: &Value) {
    let schema = json!({"$ref": format!("#/components/schemas/{schema}")});
    assert_eq!(fits(api, &schema, value), Ok(()), "{value}");
}

#[test]
fn what_is_sent_is_what_the_openapi_document_describes() {
    let api = openapi();
    let sent = push::body(3, 8, &[("app.yaml", b"pool: 10\n"), ("logo", &[0xff])]);
    let sent: Value = serde_json::from_slice(&sent.encode().unwrap()).unwrap();
    assert_fits(&api, "Push", &sent);
    let described = &api["components"]["schemas"];
    for name in described["Push"]["properties"].as_object().unwrap().keys() {
        assert!(sent.get(name).is_some(), "{name} is described and never sent");
    }
    let running =
        AnswerBody::decode(&json!({"running": {"version": 8, "digest": sent["digest"]}}).to_string().into_bytes());
    let refusal = AnswerBody { reason: Some("a reason".to_owned()), ..running.clone().unwrap() };
    for answer in [AnswerBody::default(), running.unwrap(), refusal] {
        assert_fits(&api, "Answer", &serde_json::from_slice(&answer.encode()).unwrap());
    }
}

#[test]
fn words_and_bounds_of_the_openapi_document_are_those_of_the_code() {
    let api = openapi();
    let post = &api["paths"][DEFAULT_PATH]["post"];
    assert!(post.is_object(), "the path is {DEFAULT_PATH}");
    let header = api["components"]["securitySchemes"]["signature"]["name"].as_str().unwrap();
    assert!(header.eq_ignore_ascii_case(SIGNATURE_HEADER));
    let schemas = &api["components"]["schemas"];
    let reasons = [Reason::Edit, Reason::File, Reason::Rollback, Reason::Revert, Reason::CatchUp];
    assert_eq!(schemas["Push"]["properties"]["reason"]["enum"], json!(reasons.map(Reason::as_str)));
    assert_eq!(schemas["Push"]["properties"]["changed"]["maxItems"], json!(MAX_CHANGED));
    assert_eq!(schemas["Answer"]["properties"]["reason"]["maxLength"], json!(MAX_REASON));
    let formats =
        [Format::Yaml, Format::Json, Format::Toml, Format::Env, Format::Properties, Format::Text, Format::Binary];
    assert_eq!(schemas["Document"]["properties"]["format"]["examples"], json!(formats.map(Format::as_str)));
}

#[test]
fn examples_of_the_openapi_document_are_understood() {
    let api = openapi();
    let post = &api["paths"][DEFAULT_PATH]["post"];
    let pushes = examples(&api, &post["requestBody"]["content"]["application/json"]);
    assert!(!pushes.is_empty());
    let mut pushed = None;
    for example in pushes {
        assert_fits(&api, "Push", &example);
        let body = Body::decode(example.to_string().as_bytes(), Limits::default());
        pushed = Some(body.unwrap_or_else(|error| panic!("{error}")).digest);
    }
    for (status, expected) in [("200", "ack"), ("409", "stale"), ("422", "nack")] {
        let answers = examples(&api, &post["responses"][status]["content"]["application/json"]);
        assert!(!answers.is_empty(), "{status}");
        for answer in answers {
            assert_fits(&api, "Answer", &answer);
            assert_eq!(word(status.parse().unwrap(), &answer, pushed.unwrap()), expected, "{answer}");
        }
    }
    let get = &api["paths"][DEFAULT_PATH]["get"]["responses"]["200"]["content"]["application/json"];
    for answer in examples(&api, get) {
        assert_fits(&api, "Answer", &answer);
        assert!(AnswerBody::decode(answer.to_string().as_bytes()).is_some(), "{answer}");
    }
}

fn word(status: u16, answer: &Value, pushed: Digest) -> &'static str {
    match interpret(status, answer.to_string().as_bytes(), pushed) {
        Answer::Ack => "ack",
        Answer::Delivered => "delivered",
        Answer::Nack { .. } => "nack",
        Answer::Stale { .. } => "stale",
        Answer::Failed { .. } => "failed",
    }
}

#[test]
fn examples_on_the_contract_page_are_understood_and_agree_with_the_vectors() {
    let page = document("reload-contract.md");
    let vectors: Value = serde_json::from_str(&document("contract-vectors.json")).unwrap();
    let blocks: Vec<&str> = page.split("```json\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let [push, ack, nack] = blocks.as_slice() else { panic!("{} blocks", blocks.len()) };
    let body = Body::decode(push.as_bytes(), Limits::default()).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(std::str::from_utf8(&body.encode().unwrap()).unwrap(), vectors["body"].as_str().unwrap());
    assert!(page.contains(&format!("Content-Length: {}\n", vectors["body"].as_str().unwrap().len())));
    assert!(page.contains(&format!("Rekindle-Signature: {}\n", vectors["signatures"][0]["header"].as_str().unwrap())));
    let answer = |block: &str| serde_json::from_str::<Value>(block).unwrap();
    assert_eq!(word(200, &answer(ack), body.digest), "ack");
    assert_eq!(word(422, &answer(nack), body.digest), "nack");
    let two = list(&vectors["digests"]).into_iter().find(|case| case["about"] == "two documents").unwrap();
    let hex = two["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    assert!(page.contains(&format!("\n{hex}  -\n")), "the digest that the shell computes");
}
