//! `web_otp` and `app_hash`: what a text message ends with, of a service and of one verification.

use super::Problem;
use countersign_model::{AppHash, LastLine, WebOtp, last_line::BadLastLine};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The site whose pages may read the code from the message: its last line becomes `@host #code`, or
/// `@host #code @embedded_host`.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WireWebOtp {
    /// The host of the page, in ASCII, without scheme and port.
    #[schema(example = "example.com")]
    host: String,
    /// The host of the frame in the page, where a frame asks for the code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    embedded_host: Option<String>,
}

/// The last line that the two fields ask for.
pub(super) fn read(web_otp: Option<WireWebOtp>, app_hash: Option<String>) -> Result<Option<LastLine>, Problem> {
    let refused = |bad: BadLastLine| {
        let pointer = match bad {
            BadLastLine::Host => "/web_otp/host",
            BadLastLine::EmbeddedHost => "/web_otp/embedded_host",
            BadLastLine::AppHash => "/app_hash",
        };
        Problem::field(pointer, bad.to_string())
    };
    match (web_otp, app_hash) {
        (None, None) => Ok(None),
        (Some(site), None) => {
            let site = WebOtp::new(&site.host, site.embedded_host.as_deref()).map_err(refused)?;
            Ok(Some(LastLine::WebOtp(site)))
        }
        (None, Some(hash)) => Ok(Some(LastLine::AppHash(AppHash::new(&hash).map_err(refused)?))),
        (Some(_), Some(_)) => {
            Err(Problem::field("/app_hash", "cannot be there together with web_otp: a message has one last line"))
        }
    }
}

/// The opposite of [`read`].
pub(super) fn shown(line: Option<LastLine>) -> (Option<WireWebOtp>, Option<String>) {
    match line {
        None => (None, None),
        Some(LastLine::WebOtp(site)) => {
            let embedded_host = site.embedded_host().map(str::to_owned);
            (Some(WireWebOtp { host: site.host().to_owned(), embedded_host }), None)
        }
        Some(LastLine::AppHash(hash)) => (None, Some(hash.as_str().to_owned())),
    }
}

/// What is to be said of a line with which messages in these languages take more than one part.
pub(super) fn warning(line: Option<&LastLine>, languages: &[String]) -> Option<String> {
    let (line, languages) = (line.filter(|_| !languages.is_empty())?, languages.join(", "));
    Some(match line {
        LastLine::WebOtp(_) => format!("With its last line a text message takes more than one part in: {languages}."),
        LastLine::AppHash(_) => format!(
            "With its last line a text message takes more than one part, and Android reads 140 bytes and no more, in: {languages}."
        ),
    })
}
