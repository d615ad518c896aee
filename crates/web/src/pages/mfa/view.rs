//! The pages of the second step, each from what there is to tell.

use super::{Visit, kind_of, path_of, words::Words};
use crate::pages::{Frame, Language, Logo, show, show_leading_to};
use askama::Template;
use axum::{
    http::{
        HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, LOCATION, REFERRER_POLICY},
    },
    response::{IntoResponse as _, Response},
};
use countersign_model::{
    Address, Channel, ChosenKind, Client, MfaSession, Timestamp,
    mfa_session::{Place, SessionPurpose, Stage, Told},
};
use form_urlencoded::Serializer;

#[derive(Template)]
#[template(path = "pages/mfa_choose.html")]
struct Choose<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    title: &'static str,
    text: String,
    alarm: Option<String>,
    /// A button for the app, whose secret is made when it is pressed.
    enrols_app: bool,
    /// Ways to enrol, each a page.
    addresses: Vec<(&'static str, &'static str)>,
    /// Ways to be asked.
    ways: Vec<Way>,
    has_recovery: bool,
    has_app: bool,
    cancel: Option<String>,
}

/// Somewhere a code can go.
struct Way {
    factor: String,
    channel: &'static str,
    name: &'static str,
    to: String,
}

#[derive(Template)]
#[template(path = "pages/mfa_code.html")]
struct Code<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    title: &'static str,
    text: String,
    alarm: Option<String>,
    /// Whether that is about what was typed.
    is_wrong: bool,
    /// The secret of an app that is about to be enrolled.
    secret: Option<Secret>,
    step: &'static str,
    label: &'static str,
    is_recovery: bool,
    /// How long the next code takes, at least.
    resend_help: Option<String>,
    /// Where the other ways are.
    others: Option<String>,
    cancel: Option<String>,
}

struct Secret {
    /// In groups of four, as people type it.
    shown: String,
    uri: String,
}

#[derive(Template)]
#[template(path = "pages/mfa_address.html")]
struct AddressPage<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    title: &'static str,
    alarm: Option<String>,
    channel: &'static str,
    label: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    typed: String,
}

#[derive(Template)]
#[template(path = "pages/mfa_done.html")]
struct Done<'a> {
    frame: &'a Frame,
    sign: &'static str,
    title: &'a str,
    text: String,
    /// A new recovery code, and the button that says that it was kept.
    keep: Option<Keep<'a>>,
    /// Ways on, the first of them the best: a label and an address.
    onward: Vec<(String, String)>,
}

struct Keep<'a> {
    link: &'a str,
    code: String,
    label: &'static str,
}

/// One visit, to be shown.
pub(super) struct View<'a> {
    visit: &'a Visit,
    link: String,
}

impl<'a> View<'a> {
    pub(super) fn of(visit: &'a Visit) -> Self {
        Self { visit, link: path_of(&visit.link) }
    }

    fn words(&self) -> &'static Words {
        Words::of(self.visit.language)
    }

    /// How somebody without a second factor can get one.
    pub(super) fn choose_enrolment(&self) -> Response {
        let (words, visit) = (self.words(), self.visit);
        let channels = Channel::OF_SECOND_FACTORS.into_iter();
        let addresses = channels.filter(|channel| visit.can_enrol(kind_of(*channel)));
        let frame = self.frame(&words.enrol_title);
        let page = Choose {
            frame: &frame,
            words,
            link: &self.link,
            title: &words.enrol_title,
            text: words.enrol_text.replace("{brand}", &frame.brand),
            alarm: None,
            enrols_app: visit.can_enrol(ChosenKind::Totp),
            addresses: addresses.map(|channel| (channel.name(), words.way(channel))).collect(),
            ways: Vec::new(),
            has_recovery: false,
            has_app: false,
            cancel: self.cancel(),
        };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// How somebody who has several factors, or none that is an app, wants to be asked.
    pub(super) fn choose_way(&self) -> Response {
        let (words, visit) = (self.words(), self.visit);
        let ways = visit.ways().filter_map(|(factor, channel)| {
            let to = visit.web.engine().address_of_factor(factor).ok().flatten()?;
            let (factor, name) = (factor.id.to_string(), words.way(channel));
            Some(Way { factor, channel: channel.name(), name, to: shown(&to) })
        });
        let frame = self.frame(&words.choose_title);
        let page = Choose {
            frame: &frame,
            words,
            link: &self.link,
            title: &words.choose_title,
            text: words.choose_text.replace("{brand}", &frame.brand),
            alarm: self.alarm(Place::Ways),
            enrols_app: false,
            addresses: Vec::new(),
            ways: ways.collect(),
            has_recovery: visit.has_recovery(),
            has_app: visit.has_app(),
            cancel: self.cancel(),
        };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// The code that an app shows.
    pub(super) fn app_code(&self) -> Response {
        let words = self.words();
        self.code(Place::Start, (&words.code_title, words.code_app_text.clone()), None, "app-code")
    }

    /// An app's secret, and its first code.
    pub(super) fn app_secret(&self, secret: &str, uri: String) -> Response {
        let words = self.words();
        let groups = secret.as_bytes().chunks(4).map(String::from_utf8_lossy);
        let secret = Secret { shown: groups.collect::<Vec<_>>().join(" "), uri };
        self.code(Place::App, (&words.app_title, words.app_text.clone()), Some(secret), "first-app-code")
    }

    /// A code that is on its way.
    pub(super) fn sent_code(&self, to: &Address) -> Response {
        let words = self.words();
        let text = words.code_sent_text.replace("{address}", &shown(to));
        self.code(Place::Code, (&words.code_title, text), None, "code")
    }

    pub(super) fn recovery(&self) -> Response {
        let words = self.words();
        self.code(Place::Recovery, (&words.recovery_link, words.recovery_help.clone()), None, "recovery")
    }

    fn code(
        &self,
        place: Place,
        (title, text): (&'static str, String),
        secret: Option<Secret>,
        step: &'static str,
    ) -> Response {
        if let Some(until) = self.stopped_until(place) {
            return self.stop(place, until);
        }
        let (words, frame) = (self.words(), self.frame(title));
        let is_recovery = place == Place::Recovery;
        let seconds = MfaSession::SEND_GAP.as_secs().to_string();
        let page = Code {
            frame: &frame,
            words,
            link: &self.link,
            title,
            text,
            alarm: self.alarm(place),
            is_wrong: matches!(self.visit.session.notice(place), Some(Told::WrongCode | Told::LateCode)),
            secret,
            step,
            label: if is_recovery { &words.recovery_label } else { &words.code_label },
            is_recovery,
            resend_help: (place == Place::Code).then(|| words.resend_help.replace("{seconds}", &seconds)),
            others: self.others(place),
            cancel: self.cancel(),
        };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// Where there is another way than the one of a page.
    fn others(&self, place: Place) -> Option<String> {
        if !self.visit.asks() {
            return Some(self.link.clone());
        }
        let ways = self.visit.ways().count() + usize::from(self.visit.has_app());
        let is_one_of_them = place != Place::Recovery;
        let has_others = ways > usize::from(is_one_of_them) || (is_one_of_them && self.visit.has_recovery());
        has_others.then(|| format!("{}/ways", self.link))
    }

    /// Where a code is to go.
    pub(super) fn address(&self, channel: Channel) -> Response {
        let (words, place) = (self.words(), Place::Address(channel));
        let title = words.way(channel);
        let (label, kind, autocomplete) = match channel {
            Channel::Email => (&words.email_label, "email", "email"),
            Channel::Sms | Channel::Voice | Channel::Whatsapp | Channel::Telegram => (&words.phone_label, "tel", "tel"),
        };
        let session = &self.visit.session;
        let typed = match session.notice(place) {
            Some(Told::BadAddress(sealed)) => self.visit.web.engine().open_in_session(session, sealed).ok(),
            Some(_) | None => None,
        };
        let frame = self.frame(title);
        let page = AddressPage {
            frame: &frame,
            words,
            link: &self.link,
            title,
            alarm: self.alarm(place),
            channel: channel.name(),
            label,
            kind,
            autocomplete,
            typed: typed.map(|typed| typed.to_string()).unwrap_or_default(),
        };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// What is to be told of the last step, as long as it is true.
    fn alarm(&self, place: Place) -> Option<String> {
        let (words, now) = (self.words(), self.visit.now);
        Some(match self.visit.session.notice(place)? {
            Told::WrongCode => words.wrong.clone(),
            Told::LateCode => words.late.clone(),
            Told::BadAddress(_) => words.bad_address.clone(),
            Told::TooSoon(until) => words.too_soon.replace("{seconds}", &seconds(*until, now)?.to_string()),
            Told::TooManyMessages(until) => words.too_many.replace("{minutes}", &minutes(*until, now)?),
            Told::TooManyCodes(_) => return None,
        })
    }

    /// Until when not even a right code is taken on a page.
    fn stopped_until(&self, place: Place) -> Option<Timestamp> {
        match self.visit.session.notice(place) {
            Some(Told::TooManyCodes(until)) => Some(*until).filter(|until| *until > self.visit.now),
            Some(_) | None => None,
        }
    }

    /// Too many wrong codes: how long that lasts, and what can be done meanwhile.
    fn stop(&self, place: Place, until: Timestamp) -> Response {
        let words = self.words();
        let frame = self.frame(&words.stop_title);
        let text = words.stop_text.replace("{minutes}", &minutes(until, self.visit.now).unwrap_or_default());
        let again = (words.again_link.clone(), format!("{}{}", self.link, path_to(place)));
        let others = self.others(place).filter(|_| self.visit.asks());
        let onward = [Some(again), others.map(|to| (words.other_link.clone(), to)), self.back("too_many_attempts")];
        let onward = onward.into_iter().flatten().collect();
        let page = Done { frame: &frame, sign: "bad", title: &words.stop_title, text, keep: None, onward };
        self.show(StatusCode::TOO_MANY_REQUESTS, &frame, &page)
    }

    /// A factor was to be enrolled, and there is one.
    pub(super) fn has_one(&self) -> Response {
        let words = self.words();
        let frame = self.frame(&words.have_title);
        let (title, text) = (words.have_title.as_str(), words.have_text.replace("{brand}", &frame.brand));
        let page = Done { frame: &frame, sign: "good", title, text, keep: None, onward: Vec::new() };
        self.show(StatusCode::OK, &frame, &page)
    }

    /// The user has proved to be itself: back to whoever sent the browser here, once a new recovery code was kept.
    pub(super) fn proved(&self) -> Response {
        let (words, session) = (self.words(), &self.visit.session);
        if let Stage::Proved { recovery_code: Some(sealed), .. } = &session.stage {
            let code = match self.visit.web.engine().open_in_session(session, sealed) {
                Ok(code) => code,
                Err(error) => return self.visit.trouble(&error),
            };
            let groups = code.as_bytes().chunks(4).map(String::from_utf8_lossy);
            let code = groups.collect::<Vec<_>>().join(" ");
            let keep = Keep { link: &self.link, code, label: &words.kept_button };
            let (frame, text) = (self.frame(&words.keep_title), words.keep_text.clone());
            let title = words.keep_title.as_str();
            let page = Done { frame: &frame, sign: "good", title, text, keep: Some(keep), onward: Vec::new() };
            return self.show(StatusCode::OK, &frame, &page);
        }
        if let Some(address) = self.way_back("mfa_result", &self.visit.web.engine().result_of(session)) {
            return see(&address);
        }
        let (title, text) = match session.purpose {
            SessionPurpose::LogIn => (words.done_title.as_str(), &words.done_text),
            SessionPurpose::Enrol { .. } => (words.have_title.as_str(), &words.have_text),
        };
        let frame = self.frame(title);
        let text = text.replace("{brand}", &frame.brand);
        let page = Done { frame: &frame, sign: "good", title, text, keep: None, onward: Vec::new() };
        self.show(StatusCode::OK, &frame, &page)
    }

    pub(super) fn to(&self, place: Place) -> Response {
        see(&format!("{}{}", self.link, path_to(place)))
    }

    fn way_back(&self, name: &str, value: &str) -> Option<String> {
        way_back(&self.visit.session, name, value)
    }

    fn cancel(&self) -> Option<String> {
        self.way_back("mfa_error", "cancelled")
    }

    fn back(&self, why: &str) -> Option<(String, String)> {
        let label = self.words().back_link.replace("{brand}", &self.visit.client.name);
        Some((label, self.way_back("mfa_error", why)?))
    }

    fn frame(&self, what: &str) -> Frame {
        let brand = self.visit.client.name.clone();
        Frame { language: self.visit.language, title: format!("{what} – {brand}"), brand, logo: Logo::Ours }
    }

    /// A form here may end at the address where the browser goes afterwards, and nowhere else.
    fn show(&self, status: StatusCode, frame: &Frame, page: &impl Template) -> Response {
        let address = self.visit.session.return_to.as_deref().and_then(|url| url.parse::<Uri>().ok());
        let origin = address.and_then(|url| Some(format!("{}://{}", url.scheme_str()?, url.authority()?)));
        show_leading_to(status, frame, page, origin.as_deref().unwrap_or_default())
    }
}

/// The caller's own address, with what it wants to know. A fragment stays at its end.
fn way_back(session: &MfaSession, name: &str, value: &str) -> Option<String> {
    let address = session.return_to.as_deref()?;
    let (address, fragment) = address.split_once('#').map_or((address, None), |(before, after)| (before, Some(after)));
    let mut query = Serializer::new(String::new());
    query.append_pair(name, value);
    if let Some(state) = &session.state {
        query.append_pair("state", state);
    }
    let join = if address.contains('?') { '&' } else { '?' };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    Some(format!("{address}{join}{}{fragment}", query.finish()))
}

/// Somewhere else, without telling it where the browser was.
fn see(address: &str) -> Response {
    let Ok(address) = HeaderValue::try_from(address) else { return StatusCode::INTERNAL_SERVER_ERROR.into_response() };
    let headers = [
        (LOCATION, address),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

const fn path_to(place: Place) -> &'static str {
    match place {
        Place::Start => "",
        Place::App => "/app",
        Place::Code => "/code",
        Place::Address(Channel::Sms | Channel::Whatsapp | Channel::Telegram) => "/sms",
        Place::Address(Channel::Voice) => "/voice",
        Place::Address(Channel::Email) => "/email",
        Place::Ways => "/ways",
        Place::Recovery => "/recovery",
    }
}

/// So many seconds from now on; none if that is over.
fn seconds(until: Timestamp, now: Timestamp) -> Option<u64> {
    Some(until.since(now).as_millis().div_ceil(1000))
        .and_then(|seconds| u64::try_from(seconds).ok())
        .filter(|it| *it > 0)
}

/// The same in minutes, the begun one too.
fn minutes(until: Timestamp, now: Timestamp) -> Option<String> {
    seconds(until, now).map(|seconds| seconds.div_ceil(60).to_string())
}

/// So much of an address that its owner knows it, from left to right in every language.
fn shown(to: &Address) -> String {
    let masked = match to {
        Address::Phone(number) => {
            let number = number.e164();
            let (_, end) = number.split_at_checked(number.len().saturating_sub(4)).unwrap_or(("", number));
            format!("••••\u{a0}{end}")
        }
        Address::Email(mail) => {
            let (local, domain) = mail.as_str().rsplit_once('@').unwrap_or((mail.as_str(), ""));
            let first: String = local.chars().take(1).collect();
            format!("{first}•••@{domain}")
        }
    };
    format!("\u{2066}{masked}\u{2069}")
}

/// There never was anything behind this link, or it was long ago.
pub(super) fn unknown(language: Language) -> Response {
    let words = Words::of(language);
    neutral(language, StatusCode::NOT_FOUND, &words.over_title, &words.over_text, Vec::new())
}

/// There is nothing behind it any more. Whoever comes late finds the way back.
pub(super) fn over(language: Language, session: &MfaSession, client: Option<&Client>) -> Response {
    let words = Words::of(language);
    let back = client.and_then(|client| {
        // The client's list may have changed since then.
        let is_listed = session.return_to.as_ref().is_some_and(|url| client.return_to.contains(url));
        let address = way_back(session, "mfa_error", "expired").filter(|_| is_listed);
        Some((words.back_link.replace("{brand}", &client.name), address?))
    });
    neutral(language, StatusCode::GONE, &words.over_title, &words.over_text, back.into_iter().collect())
}

/// The fault is ours.
pub(super) fn trouble(language: Language) -> Response {
    let words = Words::of(language);
    neutral(language, StatusCode::SERVICE_UNAVAILABLE, &words.trouble_title, &words.trouble_text, Vec::new())
}

fn neutral(language: Language, status: StatusCode, title: &str, text: &str, onward: Vec<(String, String)>) -> Response {
    let frame = Frame { language, title: title.to_owned(), brand: String::new(), logo: Logo::Ours };
    let page = Done { frame: &frame, sign: "over", title, text: text.to_owned(), keep: None, onward };
    show(status, &frame, &page)
}
