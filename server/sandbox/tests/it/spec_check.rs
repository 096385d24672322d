//! Checks recorded calls against a vendor's OpenAPI document: does the operation exist, do its parameters and bodies
//! fit the schemas, is the status a documented one. Where a vendor's document is wrong a [`Deviation`] says why.
//!
//! The documents are not part of this repository. A folder that has them is named by `CONCORD_VENDOR_SPECS`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use sandbox::request::{Reply, Request};
use serde_json::{Map, Value, json};

/// A place in which a call does not fit the document.
#[derive(Debug)]
pub(crate) struct Finding {
    operation: String,
    /// `operation`, `status`, `request`, `response` or `query`.
    place: &'static str,
    text: String,
}

/// A known difference between the document and the service, with the reason it is one.
pub(crate) struct Deviation {
    /// `operationId`, or `*`.
    pub(crate) operation: &'static str,
    pub(crate) place: &'static str,
    /// A part of the finding's text.
    pub(crate) text: &'static str,
    pub(crate) why: &'static str,
}

/// The folder with the vendors' documents; without one the test says so and has nothing to check.
#[expect(clippy::print_stdout, reason = "a skipped check must be seen in the output")]
pub(crate) fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("CONCORD_VENDOR_SPECS").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: CONCORD_VENDOR_SPECS names no folder with the vendors' OpenAPI documents");
    }
    folder
}

/// Fails on findings no deviation explains, and on deviations that explain nothing.
pub(crate) fn settle(findings: &[Finding], deviations: &[Deviation]) {
    let explains = |deviation: &Deviation, finding: &Finding| {
        (deviation.operation == "*" || deviation.operation == finding.operation)
            && deviation.place == finding.place
            && finding.text.contains(deviation.text)
    };
    let unexplained: Vec<String> = findings
        .iter()
        .filter(|finding| !deviations.iter().any(|deviation| explains(deviation, finding)))
        .map(|finding| format!("{} {}: {}", finding.operation, finding.place, finding.text))
        .collect();
    let idle: Vec<String> = deviations
        .iter()
        .filter(|deviation| !findings.iter().any(|finding| explains(deviation, finding)))
        .map(|deviation| format!("{} {} {:?}: {}", deviation.operation, deviation.place, deviation.text, deviation.why))
        .collect();
    assert!(unexplained.is_empty(), "not as documented:\n{}", unexplained.join("\n"));
    assert!(idle.is_empty(), "deviations that no longer occur:\n{}", idle.join("\n"));
}

struct Operation {
    id: String,
    method: String,
    path: Vec<String>,
    document: Value,
}

/// One OpenAPI document, 3.0 or 3.1.
pub(crate) struct Spec {
    operations: Vec<Operation>,
    schemas: BTreeMap<String, Value>,
    used: BTreeSet<String>,
}

impl Spec {
    /// Reads a document and the schemas of the files it refers to.
    pub(crate) fn load(file: &Path) -> Self {
        let document = read(file);
        let mut spec = Self { operations: Vec::new(), schemas: BTreeMap::new(), used: BTreeSet::new() };
        let mut others = BTreeSet::new();
        foreign_files(&document, &mut others);
        for other in others {
            let path = file.parent().expect("a file lies in a folder").join(other);
            if path.exists() {
                spec.take_schemas(&read(&path));
            }
        }
        spec.take_schemas(&document);
        for (path, methods) in document["paths"].as_object().expect("a document has paths") {
            for (method, operation) in methods.as_object().expect("a path has methods") {
                let id = operation["operationId"].as_str();
                if let Some(id) = id {
                    spec.operations.push(Operation {
                        id: id.to_owned(),
                        method: method.to_uppercase(),
                        path: segments(path),
                        document: operation.clone(),
                    });
                }
            }
        }
        spec
    }

    /// Operations that no checked call used.
    pub(crate) fn unused(&self) -> BTreeSet<&str> {
        self.operations.iter().map(|operation| operation.id.as_str()).filter(|id| !self.used.contains(*id)).collect()
    }

    /// Checks one call.
    pub(crate) fn check(&mut self, request: &Request, reply: &Reply) -> Vec<Finding> {
        let path = segments(&request.path);
        let mut fitting: Vec<&Operation> = self
            .operations
            .iter()
            .filter(|operation| operation.method == request.method.as_str() && fits(&operation.path, &path))
            .filter(|operation| self.ids_fit(operation, &path))
            .collect();
        fitting.sort_by_key(|operation| operation.path.iter().filter(|part| part.contains('{')).count());
        let Some(operation) = fitting.first() else {
            let text = format!("{} {} is no documented operation", request.method, request.path);
            return vec![Finding { operation: String::new(), place: "operation", text }];
        };
        let mut findings = self.check_query(operation, request, reply.status);
        findings.extend(self.check_request(operation, request, reply.status));
        findings.extend(self.check_reply(operation, reply));
        let id = operation.id.clone();
        self.used.insert(id);
        findings
    }

    /// Whether what stands in the placeholders of a path is of the documented type: `lookup` is no number.
    fn ids_fit(&self, operation: &Operation, path: &[String]) -> bool {
        let parameters = operation.document["parameters"].as_array();
        operation.path.iter().zip(path).filter_map(|(template, sent)| placeholder(template, sent)).all(
            |(name, sent)| {
                let documented = parameters.into_iter().flatten().find(|parameter| parameter["name"] == name);
                documented.is_none_or(|parameter| {
                    readings(sent).iter().any(|reading| self.problems(&parameter["schema"], reading).is_empty())
                })
            },
        )
    }

    /// The parameters of a call the service took; what it refused may be wrong on purpose.
    fn check_query(&self, operation: &Operation, request: &Request, status: u16) -> Vec<Finding> {
        if status >= 400 {
            return Vec::new();
        }
        let documented: BTreeMap<&str, &Value> = operation.document["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| Some((parameter["name"].as_str()?, &parameter["schema"])))
            .collect();
        let mut findings = Vec::new();
        for (key, value) in &request.query {
            let name = key.split('[').next().unwrap_or(key);
            let Some(schema) = documented.get(key.as_str()).or_else(|| documented.get(name)) else {
                let text = format!("{key} is no documented parameter");
                findings.push(Finding { operation: operation.id.clone(), place: "query", text });
                continue;
            };
            let readings = readings(value);
            if !readings.iter().any(|reading| self.problems(schema, reading).is_empty()) {
                let text = format!("{key}={value} does not fit {schema}");
                findings.push(Finding { operation: operation.id.clone(), place: "query", text });
            }
        }
        findings
    }

    /// The body of a call the service took.
    fn check_request(&self, operation: &Operation, request: &Request, status: u16) -> Vec<Finding> {
        let schema = &operation.document["requestBody"]["content"]["application/json"]["schema"];
        if !(200..300).contains(&status) || request.body.is_empty() || schema.is_null() {
            return Vec::new();
        }
        let body = request.json().expect("the tests send JSON");
        self.problems(schema, &body)
            .into_iter()
            .map(|text| Finding { operation: operation.id.clone(), place: "request", text })
            .collect()
    }

    fn check_reply(&self, operation: &Operation, reply: &Reply) -> Vec<Finding> {
        let responses = &operation.document["responses"];
        let status = reply.status.to_string();
        let mut findings = Vec::new();
        let mut documented = &responses[&status];
        if documented.is_null() {
            let known: Vec<&String> = responses.as_object().into_iter().flat_map(Map::keys).collect();
            let text = format!("{status} is not among {known:?}");
            findings.push(Finding { operation: operation.id.clone(), place: "status", text });
            // An undocumented success still has to look like the documented one.
            let success = responses.as_object().into_iter().flatten().find(|(status, _)| status.starts_with('2'));
            match success {
                Some((_, response)) if (200..300).contains(&reply.status) => documented = response,
                _ => return findings,
            }
        }
        let schema = &documented["content"]["application/json"]["schema"];
        if schema.is_null() || reply.body.is_empty() {
            return findings;
        }
        findings.extend(self.problems(schema, &reply.value()).into_iter().map(|text| Finding {
            operation: operation.id.clone(),
            place: "response",
            text,
        }));
        findings
    }

    fn problems(&self, schema: &Value, instance: &Value) -> Vec<String> {
        let mut root = plain(schema);
        let mut wanted = BTreeSet::new();
        self.collect(&root, &mut wanted);
        let needed: Map<String, Value> =
            wanted.into_iter().filter_map(|name| Some((name.clone(), self.schemas.get(&name)?.clone()))).collect();
        if let Some(object) = root.as_object_mut() {
            object.insert("components".to_owned(), json!({"schemas": needed}));
        }
        let validator = jsonschema::validator_for(&root).expect("the document's schemas are schemas");
        validator.iter_errors(instance).map(|error| format!("{} at {}", error, error.instance_path())).collect()
    }

    fn collect(&self, schema: &Value, into: &mut BTreeSet<String>) {
        match schema {
            Value::Object(object) => {
                if let Some(name) = object.get("$ref").and_then(Value::as_str).and_then(reference)
                    && into.insert(name.to_owned())
                    && let Some(next) = self.schemas.get(name)
                {
                    self.collect(next, into);
                }
                object.values().for_each(|value| self.collect(value, into));
            }
            Value::Array(list) => list.iter().for_each(|value| self.collect(value, into)),
            _ => {}
        }
    }

    fn take_schemas(&mut self, document: &Value) {
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            self.schemas.insert(name.clone(), plain(schema));
        }
    }
}

fn read(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// A schema as JSON Schema 2020-12 reads it. `nullable` becomes a type. `oneOf` becomes `anyOf`, because the
/// generated documents list alternatives that overlap; an empty alternative in such a list stood for `null`.
fn plain(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let mut out: Map<String, Value> = Map::new();
            for (key, value) in object {
                match key.as_str() {
                    "example" | "examples" | "description" if !value.is_object() => {}
                    "oneOf" => {
                        out.insert("anyOf".to_owned(), alternatives(value));
                    }
                    "$ref" => {
                        let name = value.as_str().and_then(reference).unwrap_or_default();
                        out.insert(key.clone(), json!(format!("#/components/schemas/{name}")));
                    }
                    _ => {
                        out.insert(key.clone(), plain(value));
                    }
                }
            }
            if out.remove("nullable") == Some(json!(true)) {
                return json!({"anyOf": [{"type": "null"}, out]});
            }
            Value::Object(out)
        }
        Value::Array(list) => Value::Array(list.iter().map(plain).collect()),
        other => other.clone(),
    }
}

fn alternatives(list: &Value) -> Value {
    let annotation = |schema: &Value| {
        schema.as_object().is_some_and(|object| object.keys().all(|key| key == "description" || key == "examples"))
    };
    let read = |schema: &Value| if annotation(schema) { json!({"type": "null"}) } else { plain(schema) };
    Value::Array(list.as_array().into_iter().flatten().map(read).collect())
}

fn reference(target: &str) -> Option<&str> {
    target.rsplit_once("/schemas/").map(|(_, name)| name)
}

fn foreign_files(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            let target = object.get("$ref").and_then(Value::as_str).and_then(|target| target.split_once('#'));
            if let Some((file, _)) = target.filter(|(file, _)| !file.is_empty()) {
                into.insert(file.to_owned());
            }
            object.values().for_each(|value| foreign_files(value, into));
        }
        Value::Array(list) => list.iter().for_each(|value| foreign_files(value, into)),
        _ => {}
    }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_end_matches('/').split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Whether a path fits a template.
fn fits(template: &[String], path: &[String]) -> bool {
    template.len() == path.len()
        && template.iter().zip(path).all(|(wanted, sent)| {
            if wanted.contains('{') { placeholder(wanted, sent).is_some() } else { wanted == sent }
        })
}

/// The name and value of a placeholder, which may have text around it, as in `{id}.json`.
fn placeholder<'a>(template: &'a str, sent: &'a str) -> Option<(&'a str, &'a str)> {
    let (before, rest) = template.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    let value = sent.strip_prefix(before)?.strip_suffix(after)?;
    (!value.is_empty()).then_some((name, value))
}

/// A query value as every type it could be meant as.
fn readings(value: &str) -> Vec<Value> {
    let mut readings = vec![json!(value)];
    readings.extend(serde_json::from_str::<Value>(value));
    let list: Vec<Value> = value.split(',').map(|part| json!(part)).collect();
    let numbers: Vec<Value> = value.split(',').filter_map(|part| serde_json::from_str(part).ok()).collect();
    readings.extend([Value::Array(list), Value::Array(numbers), json!({"a": value})]);
    readings
}

#[test]
fn the_checker_notices_what_does_not_fit() {
    let folder = std::env::temp_dir().join(format!("spec-check-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("document.json");
    let document = json!({
        "paths": {"/things/{id}.json": {"get": {
            "operationId": "readThing",
            "parameters": [
                {"name": "id", "in": "path", "schema": {"type": "integer"}},
                {"name": "page", "in": "query", "schema": {"type": "integer"}},
            ],
            "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
        }}},
        "components": {"schemas": {"Thing": {"required": ["name"], "properties": {
            "name": {"type": "string", "nullable": true}, "size": {"oneOf": [{"type": "integer"}, {}]},
        }}}},
    });
    fs::write(&file, document.to_string()).expect("a file");
    let mut spec = Spec::load(&file);
    fs::remove_dir_all(&folder).expect("the folder goes");
    let mut check = |target: &str, status: u16, body: Value| {
        let findings = spec.check(&Request::new(http::Method::GET, target), &Reply::json(status, &body));
        findings.into_iter().map(|finding| finding.place).collect::<Vec<_>>()
    };
    let none: [&str; 0] = [];
    assert_eq!(check("/things/7.json?page=2", 200, json!({"name": null, "size": null})), none);
    assert_eq!(check("/things/7.json?page=x&q=1", 200, json!({"name": "a", "size": 1})), ["query", "query"]);
    assert_eq!(check("/things/7.json", 200, json!({"size": "large"})), ["response", "response"]);
    assert_eq!(check("/things/7.json", 201, json!({"name": 1})), ["status", "response"]);
    assert_eq!(check("/things/lookup.json", 200, json!({})), ["operation"]);
}
