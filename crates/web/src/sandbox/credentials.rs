//! `/sandbox/credentials` and `/sandbox/examples`: with what to call, and what to paste. Stable across restarts of one
//! data folder.

use super::wire::Open;
use crate::{Web, dialects::DIALECTS};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, header::HOST},
};
use countersign_engine::Sandbox;
use serde_json::{Value, json};

pub(super) async fn credentials(State(web): State<Web>, Open(sandbox): Open) -> Json<Value> {
    let tenants: Vec<Value> = sandbox
        .credentials()
        .iter()
        .map(|tenant| json!({ "name": tenant.tenant, "native": { "api_key": *tenant.api_key } }))
        .collect();
    Json(json!({ "tenants": tenants, "ca_file": web.ca_file() }))
}

/// The commands name the address under which the caller reached this page.
pub(super) async fn examples(headers: HeaderMap, Open(sandbox): Open) -> Json<Value> {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1:8080");
    let base_url = format!("http://{host}");
    let all = sandbox.credentials();
    let examples: Vec<Value> = DIALECTS
        .iter()
        .filter_map(|dialect| {
            let commands: Vec<Value> = (dialect.examples)(all.first()?, &base_url)
                .into_iter()
                .map(|(label, command)| json!({ "label": label, "command": command }))
                .collect();
            Some(json!({ "dialect": dialect.name, "title": dialect.title, "commands": commands }))
        })
        .collect();
    Json(json!({ "examples": examples }))
}

/// The first command of each dialect, as the first tenant.
pub(crate) fn first_commands(sandbox: &Sandbox, base_url: &str) -> Vec<(&'static str, String)> {
    let all = sandbox.credentials();
    let Some(first) = all.first() else { return Vec::new() };
    DIALECTS
        .iter()
        .filter_map(|dialect| {
            let (_, command) = (dialect.examples)(first, base_url).into_iter().next()?;
            Some((dialect.title, command))
        })
        .collect()
}
