//! The description is complete: every path and method that the router serves is in it, and nothing else.

use crate::wire::Server;
use axum::{body::Body, http::Request};

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

#[tokio::test]
async fn every_schema_that_is_referred_to_is_there() {
    let server = Server::new().await;
    let text = server.get("/openapi.json").await.body;
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let mut found = 0;
    for reference in text.split("#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name}");
        found += 1;
    }
    assert!(found > 10);
}
