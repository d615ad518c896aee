//! A request and its answer, as an operator sees them who tries a provider out.

use super::{client::Answered, request::Prepared, values::MASK};
use crate::Watch;
use http::HeaderMap;

/// As much as is shown of a body.
const LONGEST_BODY: usize = 1000;

pub(super) fn request(watch: Watch<'_>, prepared: &Prepared) {
    watch("request", &format!("{} {}", prepared.method, prepared.url));
    headers(watch, &prepared.headers);
    body(watch, "body", &prepared.body);
}

pub(super) fn answer(watch: Watch<'_>, answered: &Answered, rule: &str, reference: Option<&str>) {
    let peer = answered.peer.map_or_else(|| "an unknown address".to_owned(), |peer| peer.to_string());
    watch("connection", &format!("to {peer}, {:?}", answered.version));
    watch("status", &answered.status.to_string());
    body(watch, "answer", &answered.body);
    watch("rule", rule);
    watch("reference", reference.unwrap_or("none"));
}

fn headers(watch: Watch<'_>, headers: &HeaderMap) {
    for (name, value) in headers {
        let text = if value.is_sensitive() { MASK } else { value.to_str().unwrap_or("…") };
        watch("header", &format!("{name}: {text}"));
    }
}

fn body(watch: Watch<'_>, title: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let visible = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let mut shown: String = visible.take(LONGEST_BODY).collect();
    if text.chars().count() > LONGEST_BODY {
        shown.push('…');
    }
    if !shown.trim().is_empty() {
        watch(title, shown.trim());
    }
}
