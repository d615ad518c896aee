//! `/sandbox`: the inbox, for people. Everything it loads is compiled in, and its policy allows nothing else.

use crate::{Web, asset::Asset};
use axum::{Router, routing::get};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

macro_rules! file {
    ($name:literal, $kind:literal) => {
        Asset { kind: $kind, bytes: include_bytes!(concat!("../../assets/sandbox/", $name)), policy: POLICY }
    };
}

const FILES: &[(&str, Asset)] = &[
    ("/sandbox", file!("index.html", "text/html; charset=utf-8")),
    ("/sandbox/assets/style.css", file!("style.css", "text/css; charset=utf-8")),
    ("/sandbox/assets/script.js", file!("script.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/clock.js", file!("clock.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/dom.js", file!("dom.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/feed.js", file!("feed.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/inbox.js", file!("inbox.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/message.js", file!("message.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/outcomes.js", file!("outcomes.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/try.js", file!("try.js", "text/javascript; charset=utf-8")),
    ("/sandbox/assets/favicon.svg", file!("favicon.svg", "image/svg+xml")),
];

pub(super) fn routes() -> Router<Web> {
    FILES.iter().fold(Router::new(), |router, (path, asset)| router.route(path, get(async || asset.answer())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_model::Channel;

    #[test]
    fn the_inbox_knows_every_channel_by_name_and_icon() {
        let text =
            |path| FILES.iter().find(|(it, _)| *it == path).map(|(_, asset)| str::from_utf8(asset.bytes).unwrap());
        let (page, script) = (text("/sandbox").unwrap(), text("/sandbox/assets/message.js").unwrap());
        for channel in Channel::ALL.map(Channel::name) {
            for wanted in
                [format!("id=\"icon-{channel}\""), format!("value=\"{channel}\""), format!("data-count=\"{channel}\"")]
            {
                assert!(page.contains(&wanted), "{wanted}");
            }
            assert!(script.contains(&format!(" {channel}: \"")), "{channel}");
        }
    }
}
