//! What every hosted page has around its own words: the brand, a card, and the headers that keep it to itself. It is in no cache
//! and in no index, tells no other site where it was, cannot be framed, and loads nothing from elsewhere but one logo.

use super::Language;
use askama::Template;
use axum::{
    http::{
        HeaderName, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, VARY},
    },
    response::{IntoResponse as _, Response},
};

/// Whom a page speaks for, and in which language.
pub(crate) struct Frame {
    pub language: Language,
    /// The title in the browser's tab.
    pub title: String,
    /// The name beside or behind the logo; empty: nobody's.
    pub brand: String,
    pub logo: Logo,
}

/// The picture at the head of a page.
pub(crate) enum Logo {
    /// This product's.
    Ours,
    /// A caller's, which the browser fetches and this server never does.
    Theirs(LogoAddress),
}

/// The address of a logo, and the part of it that the page's policy allows.
pub(crate) struct LogoAddress {
    pub url: String,
    origin: String,
}

impl LogoAddress {
    /// An absolute address of the web whose host has nothing in it that means something in a policy.
    pub(crate) fn parse(url: &str) -> Option<Self> {
        let address = url.parse::<Uri>().ok()?;
        let (scheme, authority) = (address.scheme_str()?.to_ascii_lowercase(), address.authority()?.as_str());
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        let fits = ["http", "https"].contains(&scheme.as_str())
            && !address.host()?.is_empty()
            && authority.bytes().all(is_plain)
            && url.is_ascii();
        fits.then(|| Self { url: url.to_owned(), origin: format!("{scheme}://{authority}") })
    }
}

impl Logo {
    /// The caller's if it has named one.
    pub(crate) fn of(url: Option<&str>) -> Self {
        url.and_then(LogoAddress::parse).map_or(Self::Ours, Self::Theirs)
    }

    const fn origin(&self) -> &str {
        match self {
            Self::Ours => "",
            Self::Theirs(address) => address.origin.as_str(),
        }
    }
}

/// Answers with a page.
pub(crate) fn show(status: StatusCode, frame: &Frame, page: &impl Template) -> Response {
    show_leading_to(status, frame, page, "")
}

/// Answers with a page whose forms may end at another origin: the browser counts where an answer sends it on to as a part of
/// sending the form. Empty: at none.
pub(crate) fn show_leading_to(status: StatusCode, frame: &Frame, page: &impl Template, origin: &str) -> Response {
    let Ok(html) = page.render() else {
        tracing::error!("a page could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let onward = if origin.is_empty() { String::new() } else { format!(" {origin}") };
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self' {}; form-action 'self'{onward}; base-uri 'none'; frame-ancestors 'none'",
        frame.logo.origin()
    );
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
        (VARY, "accept-language"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(frame.language.tag()));
    match HeaderValue::try_from(policy) {
        Ok(policy) => _ = headers.insert(CONTENT_SECURITY_POLICY, policy),
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_is_of_the_web_and_cannot_widen_the_policy() {
        for (url, origin) in [
            ("http://www.yourwebsite.com/logo_image.jpg", "http://www.yourwebsite.com"),
            ("HTTPS://cdn.example:8443/a?b=c;d", "https://cdn.example:8443"),
            ("https://[2001:db8::1]/x.png", "https://[2001:db8::1]"),
        ] {
            assert_eq!(LogoAddress::parse(url).unwrap().origin, origin, "{url}");
        }
        for bad in [
            "",
            "logo.png",
            "/logo.png",
            "//cdn.example/x",
            "ftp://cdn.example/x",
            "javascript:alert(1)",
            "data:image/png,x",
            "https://",
            "https:///x",
            "https://user@cdn.example/x",
            "https://a.example;script-src/x",
            "https://*/x",
            "https://a'b/x",
            "https://a b/x",
            "https://bücher.example/x",
        ] {
            assert!(LogoAddress::parse(bad).is_none(), "{bad}");
        }
    }
}
