//! The description is complete: every path and method that the router serves is in it, and nothing else.

use crate::wire::Server;
use axum::{body::Body, http::Request};
use serde_json::Value;
use std::collections::HashSet;

#[tokio::test]
async fn every_described_operation_exists_and_asks_for_a_key() {
    let server = Server::new().await;
    let document = server.get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let mut operations = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "x").replace("{name}", "x").replace("{message}", "x").replace("{channel}", "x");
        let path = path.replace("{locale}", "en");
        for method in methods.as_object().unwrap().keys() {
            let request = Request::builder().method(method.to_uppercase().as_str()).uri(&path).body(Body::empty());
            assert_eq!(server.send(request.unwrap()).await.status, 401, "{method} {path}");
            operations += 1;
        }
    }
    assert_eq!(operations, 31);
}

/// All operations: method, path, and what is said of them.
fn operations(document: &Value) -> Vec<(&String, &String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths.flat_map(|(path, of)| of.as_object().unwrap().iter().map(move |(method, it)| (method, path, it))).collect()
}

#[tokio::test]
async fn no_two_operations_have_the_same_name_and_none_has_none() {
    let document = Server::new().await.get("/openapi.json").await.json();
    let mut names = HashSet::new();
    for (method, path, operation) in operations(&document) {
        assert!(names.insert(operation["operationId"].as_str().unwrap()), "{method} {path}");
    }
}

#[tokio::test]
async fn every_post_takes_an_idempotency_key_and_every_body_has_an_example_that_is_no_more_than_people_send() {
    let document = Server::new().await.get("/openapi.json").await.json();
    for (method, path, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let keys = parameters.iter().filter(|parameter| parameter["name"] == "Idempotency-Key").count();
        assert_eq!(keys, usize::from(method == "post"), "{method} {path}");
        let body = &operation["requestBody"]["content"];
        if body.is_null() {
            continue;
        }
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        let wanted: &[&str] = if method == "patch" {
            &["application/json", "application/merge-patch+json"]
        } else {
            &["application/json"]
        };
        assert_eq!(names, wanted, "{method} {path}");
        let schema = &body["application/json"]["schema"];
        let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
        let is_without_fields = document["components"]["schemas"][name]["properties"].is_null();
        assert!(is_without_fields || body["application/json"]["example"].is_object(), "{method} {path}");
    }
}

#[tokio::test]
async fn the_example_of_the_first_operation_works_as_it_stands() {
    let server = Server::new().await;
    let document = server.get("/openapi.json").await.json();
    let example =
        &document["paths"]["/v1/verifications"]["post"]["requestBody"]["content"]["application/json"]["example"];
    assert_eq!(server.post("/v1/verifications", &example.to_string()).await.status, 201);
}

#[tokio::test]
async fn nothing_of_a_change_is_required_and_an_event_is_described() {
    let document = Server::new().await.get("/openapi.json").await.json();
    let schemas = &document["components"]["schemas"];
    assert!(schemas["PatchServiceRequest"]["properties"]["policy"].is_object());
    assert!(schemas["PatchServiceRequest"]["required"].is_null(), "{}", schemas["PatchServiceRequest"]);
    assert!(schemas["EventParticulars"]["properties"]["type"].is_object());
    assert!(schemas["EventObject"].to_string().contains("EventParticulars"));
}

#[tokio::test]
async fn every_schema_that_is_referred_to_is_there() {
    let server = Server::new().await;
    let text = server.get("/openapi.json").await.body;
    let document: Value = serde_json::from_str(&text).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut found = 0;
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
        found += 1;
    }
    assert!(found > 10);
}
