//! What is printed for what is found, and which exit status it ends with. The cases are those of
//! `tests/cases/validation`, which the operator must judge alike.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::*;

struct Case {
    name: String,
    content: Value,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/validation");
    let mut cases = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            let content = serde_saphyr::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            cases.push(Case { name: path.file_stem().unwrap().to_string_lossy().into_owned(), content });
        }
    }
    cases.sort_by(|one, two| one.name.cmp(&two.name));
    assert!(cases.len() >= 10, "the cases were found");
    cases
}

/// The folder that a test works in, with a schema.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new(spec: &Value) -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let manifest = json!({
            "apiVersion": "rekindle.dev/v1alpha1", "kind": "ConfigSchema", "metadata": {"name": "s"}, "spec": spec,
        });
        desk.write("schema.yaml", &manifest.to_string());
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What is printed about these paths, without the folder's name, and whether it is said to be valid.
    fn check(&self, output: Output, paths: &[&str]) -> Result<(String, bool), CheckError> {
        let paths = paths.iter().map(|path| self.path(path)).collect();
        let arguments = CheckArguments { schema: self.path("schema.yaml"), output, paths };
        let report = check(&arguments)?;
        let mut printed = Vec::new();
        let status = run(&arguments, &mut printed);
        let expected = if report.is_valid() { VALID } else { FINDINGS };
        assert_eq!(format!("{status:?}"), format!("{:?}", ExitCode::from(expected)));
        let folder = format!("{}/", self.folder.path().display());
        Ok((String::from_utf8(printed).unwrap().replace(&folder, ""), report.is_valid()))
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn or_dash(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The findings as cases write them.
fn lines(printed: &str) -> Vec<String> {
    let report: Value = serde_json::from_str(printed).unwrap();
    let line =
        |finding: &Value| ["severity", "document", "line", "path", "rule"].map(|key| or_dash(&finding[key])).join(" ");
    let mut lines: Vec<String> = report["findings"].as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

fn expected_lines(content: &Value) -> Vec<String> {
    let mut lines = texts(&content["findings"]);
    lines.sort();
    lines
}

#[test]
fn the_cases_come_out_from_a_folder_as_from_a_config_map() {
    for case in cases() {
        let desk = Desk::new(&case.content["schema"]);
        fs::create_dir_all(desk.path("app")).unwrap();
        for (name, text) in case.content["documents"].as_object().unwrap() {
            desk.write(&format!("app/{name}"), text.as_str().unwrap());
        }
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": case.content["documents"]});
        desk.write("map.json", &map.to_string());
        for path in ["app", "map.json"] {
            match desk.check(Output::Json, &[path]) {
                Ok((printed, valid)) => {
                    assert_eq!(lines(&printed), expected_lines(&case.content), "{} {path}", case.name);
                    let errors = expected_lines(&case.content).iter().any(|line| line.starts_with("Error"));
                    assert_eq!(valid, !errors, "{}", case.name);
                    let report: Value = serde_json::from_str(&printed).unwrap();
                    let defaulted = report["defaulted"].as_array().unwrap().iter();
                    let defaulted: Vec<String> = defaulted
                        .map(|one| format!("{} {}", or_dash(&one["document"]), or_dash(&one["path"])))
                        .collect();
                    assert_eq!(defaulted, texts(&case.content["defaulted"]), "{}", case.name);
                }
                Err(CheckError::Schema { faults, .. }) => {
                    let places: Vec<String> = faults.iter().map(|fault| fault.place.clone()).collect();
                    assert_eq!(places, texts(&case.content["faults"]), "{}", case.name);
                }
                Err(error) => panic!("{}: {error}", case.name),
            }
        }
    }
}

fn pool() -> Value {
    json!({"documents": [{"match": "app.yaml", "schema": {"type": "object", "properties": {
        "pool": {"type": "integer", "maximum": 100, "default": 5}, "name": {"type": "string"},
    }}}]})
}

#[test]
fn people_read_findings_like_those_of_a_compiler() {
    let desk = Desk::new(&pool());
    desk.write("app.yaml", "name: x\npool: 500\nnam: 1\n");
    let (printed, _) = desk.check(Output::Human, &["app.yaml"]).unwrap();
    assert_eq!(
        printed,
        "app.yaml:2:7: error: pool: must be at most 100 (Maximum)\n\
         app.yaml:3:6: error: nam: the schema does not know this key (UnknownField)\n  hint: did you mean \"name\"?\n\
         not valid: 1 document, 2 errors, 0 warnings\n"
    );
    desk.write("app.yaml", "name: x\n");
    let (printed, _) = desk.check(Output::Human, &["app.yaml"]).unwrap();
    assert_eq!(
        printed,
        "note: app.yaml: pool: not set; the schema says that the application has a default\n\
         valid: 1 document, 0 errors, 0 warnings\n"
    );
}

#[test]
fn a_finding_in_a_config_map_points_into_the_manifest() {
    let desk = Desk::new(&pool());
    let block =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  app.yaml: |\n    name: x\n\n    pool: 500\n";
    desk.write("map.yaml", block);
    let (printed, _) = desk.check(Output::Human, &["map.yaml"]).unwrap();
    assert!(printed.starts_with("map.yaml:8:11: error: pool: must be at most 100"), "{printed}");
    // What is written otherwise has no such place; the document's own is told.
    desk.write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {app.yaml: \"pool: 500\"}\n");
    let (printed, _) = desk.check(Output::Human, &["map.yaml"]).unwrap();
    assert!(printed.starts_with("map.yaml: app.yaml:1:7: error: pool: must be at most 100"), "{printed}");
}

#[test]
fn a_workflow_gets_annotations() {
    let desk = Desk::new(
        &json!({"unknownFields": "Warn", "documents": [{"match": "app.yaml", "required": true, "schema": {"type": "object"}}]}),
    );
    desk.write("app.yaml", "a%: 1\n");
    let (printed, valid) = desk.check(Output::Github, &["app.yaml"]).unwrap();
    assert!(valid);
    assert_eq!(
        printed,
        "::warning title=UnknownField,file=app.yaml,line=1,col=5::[\"a%25\"]: the schema does not know this key\n"
    );
    desk.write("other,x", "");
    let (printed, _) = desk.check(Output::Github, &["other,x"]).unwrap();
    assert!(printed.contains("::error title=DocumentName::"), "{printed}");
    assert!(printed.contains("::error title=RequiredDocument::no document matches app.yaml%0Aadd one"), "{printed}");
    let rule = json!({"documents": [{"match": "a.yaml", "schema": {"type": "object"}}]});
    let desk = Desk::new(&rule);
    desk.write("x, y/a.yaml", "b: 1\n");
    let (printed, _) = desk.check(Output::Github, &["x, y/a.yaml"]).unwrap();
    assert!(printed.contains("file=x%2C y/a.yaml,line=1"), "{printed}");
}

#[test]
fn later_paths_lie_over_earlier_ones() {
    let desk = Desk::new(&pool());
    desk.write("base/app.yaml", "pool: 500\n");
    desk.write("base/..data/ignored", "x");
    desk.write("over/app.yaml", "pool: 5\n");
    assert!(!desk.check(Output::Human, &["base"]).unwrap().1);
    assert!(desk.check(Output::Human, &["base", "over"]).unwrap().1);
    assert!(!desk.check(Output::Human, &["over", "base/app.yaml"]).unwrap().1);
}

#[test]
fn a_config_map_with_a_key_that_is_no_document_is_found() {
    let desk = Desk::new(&pool());
    desk.write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a/b: x}\n");
    let (printed, valid) = desk.check(Output::Human, &["map.yaml"]).unwrap();
    assert!(!valid && printed.contains("(DocumentName)"), "{printed}");
}

#[test]
fn what_cannot_be_checked_says_why() {
    let desk = Desk::new(&pool());
    let problem =
        |paths: &[&str]| desk.check(Output::Human, paths).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(problem(&["absent.yaml"]).starts_with("read "));
    let not_checked = |manifest: &str| {
        desk.write("schema.yaml", manifest);
        desk.write("app.yaml", "pool: 1\n");
        let arguments = CheckArguments {
            schema: desk.path("schema.yaml"),
            output: Output::Human,
            paths: vec![desk.path("app.yaml")],
        };
        let mut printed = Vec::new();
        assert_eq!(format!("{:?}", run(&arguments, &mut printed)), format!("{:?}", ExitCode::from(NOT_CHECKED)));
        assert!(printed.is_empty());
        check(&arguments).err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(not_checked("kind: ConfigMap\n").ends_with("it must hold one object of kind ConfigSchema"));
    assert!(not_checked("a: [").contains("read the manifest"));
    let misspelled = not_checked(
        "kind: ConfigSchema\napiVersion: rekindle.dev/v1alpha1\nmetadata: {name: a}\nspec: {documents: [{match: a, ruels: []}]}\n",
    );
    assert!(
        misspelled.contains("spec.documents[0].ruels: the schema does not know this key; did you mean \"rules\"?"),
        "{misspelled}"
    );
    let broken = not_checked(
        "kind: ConfigSchema\napiVersion: rekindle.dev/v1alpha1\nmetadata: {name: a}\nspec: {documents: [{match: a, schema: {}}]}\n",
    );
    assert!(broken.ends_with("it has 1 fault"), "{broken}");
    fs::remove_file(desk.path("schema.yaml")).unwrap();
    assert!(problem(&["app.yaml"]).starts_with("read "));
}

#[test]
fn a_manifest_that_the_api_server_would_not_take_is_never_taken_for_a_document() {
    let desk = Desk::new(&pool());
    let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";
    for (rest, problem) in [
        ("data: {app.yaml: 5271}\n", "data[app.yaml]: must be text; put it in quotes"),
        ("binaryData: {app.yaml: 'no base64!'}\n", "binaryData[app.yaml]: must be base64"),
        ("data: 5271\n", "it is no ConfigMap as the API server knows it"),
    ] {
        desk.write("map.yaml", &format!("{head}{rest}"));
        let error = desk.check(Output::Human, &["map.yaml"]).unwrap_err().to_string();
        assert!(error.ends_with(problem) && !error.contains("5271"), "{error}");
    }
}

#[test]
fn a_list_holds_config_maps_as_kubectl_prints_them() {
    let desk = Desk::new(&pool());
    let map = |pool: u32| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"app.yaml": format!("pool: {pool}")}});
    let list = json!({"apiVersion": "v1", "kind": "List", "items": [map(5), map(500)]});
    desk.write("list.json", &list.to_string());
    let (printed, valid) = desk.check(Output::Human, &["list.json"]).unwrap();
    assert!(!valid && printed.starts_with("list.json: app.yaml:1:7: error: pool: must be at most 100"), "{printed}");
}

#[test]
fn a_schema_that_cannot_be_read_says_where_and_in_plain_words() {
    let desk = Desk::new(&pool());
    desk.write("app.yaml", "pool: 1\n");
    for (manifest, problem) in [
        (
            "kind: ConfigSchema\nkind: ConfigSchema\n".to_owned(),
            ": 2:1: the key occurs twice in this map; remove one of the two",
        ),
        (format!("a: {}{}", "[".repeat(70), "]".repeat(70)), "nested deeper than 64 levels"),
        ("apiVersion: rekindle.dev/v9\nkind: ConfigSchema\n".to_owned(), "must be rekindle.dev/v1alpha1"),
        ("\n".to_owned(), "it must hold one object of kind ConfigSchema"),
    ] {
        desk.write("schema.yaml", &manifest);
        let error = desk.check(Output::Human, &["app.yaml"]).unwrap_err().to_string();
        assert!(error.ends_with(problem), "{error}");
    }
    fs::write(desk.path("schema.yaml"), [0xff, 0xfe]).unwrap();
    let error = desk.check(Output::Human, &["app.yaml"]).unwrap_err().to_string();
    assert!(error.ends_with("it is not text in UTF-8"), "{error}");
}

#[test]
fn documents_are_counted_whether_they_can_be_read_or_not() {
    let desk = Desk::new(&pool());
    desk.write("app/app.yaml", "pool: [");
    let (printed, _) = desk.check(Output::Human, &["app"]).unwrap();
    assert!(printed.ends_with("not valid: 1 document, 1 error, 0 warnings\n"), "{printed}");
    desk.write("app/app.yaml", "");
    let (printed, _) = desk.check(Output::Human, &["app"]).unwrap();
    assert!(printed.contains("must be an object, not null (Null)\n  hint: there is nothing in it\n"), "{printed}");
    fs::remove_file(desk.path("app/app.yaml")).unwrap();
    let (printed, _) = desk.check(Output::Human, &["app"]).unwrap();
    assert!(printed.starts_with("error: the sources hold no document (NoDocuments)\n"), "{printed}");
}

#[test]
fn a_stream_without_end_ends_the_check_and_not_the_memory() {
    let desk = Desk::new(&pool());
    let arguments = CheckArguments {
        schema: desk.path("schema.yaml"),
        output: Output::Human,
        paths: vec![PathBuf::from("/dev/zero")],
    };
    assert!(matches!(check(&arguments), Err(CheckError::Read { .. })));
}
