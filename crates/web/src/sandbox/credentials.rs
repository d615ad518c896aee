//! `/sandbox/credentials` and `/sandbox/examples`: with what to call, and what to paste. Stable across restarts of one
//! data folder.

use super::{guard::base_url, wire::Open};
use crate::{Web, dialects::DIALECTS};
use axum::{
    Json,
    extract::{Request, State},
};
use countersign_engine::Sandbox;
use serde_json::{Map, Value, json};

pub(super) async fn credentials(State(web): State<Web>, Open(sandbox): Open, request: Request) -> Json<Value> {
    let tenants: Vec<Value> = sandbox
        .credentials(authority_of(&base_url(&request)))
        .iter()
        .map(|tenant| {
            let of_dialects = DIALECTS.iter().map(|dialect| (dialect.name.to_owned(), (dialect.credentials)(tenant)));
            let mut object: Map<String, Value> = of_dialects.collect();
            object.insert("name".to_owned(), tenant.tenant.clone().into());
            Value::Object(object)
        })
        .collect();
    Json(json!({ "tenants": tenants, "ca_file": web.ca_file() }))
}

/// The commands name the address under which the caller reached this page.
pub(super) async fn examples(State(web): State<Web>, Open(sandbox): Open, request: Request) -> Json<Value> {
    let base_url = base_url(&request);
    let trust = web.ca_file().filter(|_| base_url.starts_with("https"));
    let curl = trust.map_or_else(|| "curl".to_owned(), |file| format!("curl --cacert '{file}'"));
    let all = sandbox.credentials(authority_of(&base_url));
    let examples: Vec<Value> = DIALECTS
        .iter()
        .filter_map(|dialect| {
            let commands: Vec<Value> = (dialect.examples)(all.first()?, &base_url)
                .into_iter()
                .map(|(label, command)| json!({ "label": label, "command": command.replacen("curl", &curl, 1) }))
                .collect();
            Some(json!({ "dialect": dialect.name, "title": dialect.title, "commands": commands }))
        })
        .collect();
    Json(json!({ "examples": examples }))
}

/// The first command of each dialect, as the first tenant.
pub(crate) fn first_commands(sandbox: &Sandbox, base_url: &str) -> Vec<(&'static str, String)> {
    let all = sandbox.credentials(authority_of(base_url));
    let Some(first) = all.first() else { return Vec::new() };
    DIALECTS
        .iter()
        .filter_map(|dialect| {
            let (_, command) = (dialect.examples)(first, base_url).into_iter().next()?;
            Some((dialect.title, command))
        })
        .collect()
}

fn authority_of(base_url: &str) -> &str {
    base_url.split_once("://").map_or(base_url, |(_, rest)| rest)
}
