//! Whether a caller takes JSON (RFC 9110, 12.5.1). Only who excludes it is refused: curl and several SDKs say less than they mean.

use axum::http::{HeaderMap, header::ACCEPT};

/// Whether `Accept` admits `application/json`. The most specific range that fits it decides.
pub(super) fn admits_json(headers: &HeaderMap) -> bool {
    let written = headers.get_all(ACCEPT).into_iter().map(|value| value.to_str().unwrap_or_default());
    let ranges: Vec<(u8, bool)> = written.flat_map(|value| value.split(',')).filter_map(range).collect();
    ranges.is_empty() || ranges.into_iter().max_by_key(|(precision, _)| *precision).is_some_and(|(_, wanted)| wanted)
}

/// How precisely a range fits JSON, 0 not at all, and whether what fits it is wanted. None: nothing is written there.
fn range(text: &str) -> Option<(u8, bool)> {
    let mut parts = text.split(';').map(str::trim);
    let media = parts.next()?.to_ascii_lowercase();
    let precision = match media.as_str() {
        "" => return None,
        "application/json" => 3,
        "application/*" => 2,
        "*/*" | "*" => 1,
        _ => 0,
    };
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let is_zero = weight.is_some_and(|weight| weight.trim().parse::<f32>().is_ok_and(|weight| weight <= 0.0));
    Some((precision, precision > 0 && !is_zero))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(values: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(ACCEPT, value.parse().unwrap());
        }
        admits_json(&headers)
    }

    #[test]
    fn only_who_excludes_json_is_refused() {
        for good in [
            &[][..],
            &[""],
            &["application/json"],
            &["*/*"],
            &["application/*;q=0.1"],
            &["APPLICATION/JSON; charset=utf-8"],
            &["text/html, application/json;q=0.9"],
            &["text/html", "*/*"],
            &["*/*;q=0, application/json"],
        ] {
            assert!(admits(good), "{good:?}");
        }
        for bad in [
            &["text/html"][..],
            &["application/xml, text/*"],
            &["application/json;q=0"],
            &["*/*, application/json; q=0.0"],
        ] {
            assert!(!admits(bad), "{bad:?}");
        }
    }
}
