//! The pages of the grid, each from what there is to tell.

use super::words::Words;
use crate::{
    pages::{Frame, Language, Logo, show},
    pictures,
};
use askama::Template;
use axum::{http::StatusCode, response::Response};
use countersign_engine::queries::GridSeen;
use countersign_model::Right;

/// Whatever stands behind one link, to be shown.
pub(super) struct View<'a> {
    link: String,
    language: Language,
    words: &'static Words,
    seen: &'a GridSeen,
}

#[derive(Template)]
#[template(path = "pages/grid_start.html")]
struct Start<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    attempts_left: Option<String>,
}

#[derive(Template)]
#[template(path = "pages/grid_screen.html")]
struct Screen<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    progress: String,
    steps: Vec<bool>,
    prompt: String,
    is_remembered: bool,
    tiles: Vec<Tile<'a>>,
}

struct Tile<'a> {
    value: &'a str,
    picture: &'a str,
    name: &'static str,
}

#[derive(Template)]
#[template(path = "pages/grid_result.html")]
struct Outcome<'a> {
    frame: &'a Frame,
    words: &'static Words,
    link: &'a str,
    sign: &'static str,
    title: &'static str,
    text: String,
    attempts_left: Option<String>,
}

impl<'a> View<'a> {
    pub(super) fn of(token: &str, language: Language, seen: &'a GridSeen) -> Self {
        Self { link: format!("/c/{token}"), language, words: Words::of(language), seen }
    }

    pub(super) fn start(&self) -> Response {
        let frame = self.frame(&self.words.start_title);
        let verification = &self.seen.verification;
        // Whoever has one attempt and has made none needs no number.
        let attempts_left = verification.attempts_left().filter(|left| *left > 1 || verification.wrong_checks > 0);
        let attempts_left = attempts_left.map(|left| self.words.attempts_left(left));
        let page = Start { frame: &frame, words: self.words, link: &self.link, attempts_left };
        show(StatusCode::OK, &frame, &page)
    }

    pub(super) fn screen(&self) -> Response {
        let (grid, total) = (&self.seen.grid, self.seen.screens.len());
        let Some(screen) = grid.present(&self.seen.screens) else { return Self::trouble(self.language) };
        let number = grid.taps.len() + 1;
        let progress = self.words.progress(number, total);
        let frame = self.frame(&progress);
        let tiles = screen.tiles.iter().map(|tile| Tile {
            value: &tile.value,
            picture: &tile.picture,
            name: pictures::name(tile.category, self.language),
        });
        let is_remembered = matches!(grid.right, Right::Remembered(_));
        let prompt = if is_remembered {
            self.words.remembered_prompt.clone()
        } else {
            self.words.told_prompt(pictures::name(screen.wanted, self.language))
        };
        let page = Screen {
            frame: &frame,
            words: self.words,
            link: &self.link,
            progress,
            steps: (1..=total).map(|step| step <= number).collect(),
            prompt,
            is_remembered,
            tiles: tiles.collect(),
        };
        show(StatusCode::OK, &frame, &page)
    }

    pub(super) fn solved(&self) -> Response {
        self.outcome("good", &self.words.solved_title, &self.words.solved_text, None)
    }

    /// Not right, and there is another attempt.
    pub(super) fn wrong(&self, left: Option<u32>) -> Response {
        self.outcome("bad", &self.words.wrong_title, &self.words.wrong_text, Some(left.unwrap_or(1)))
    }

    /// Not right, and that was the last attempt.
    pub(super) fn failed(&self) -> Response {
        self.outcome("bad", &self.words.failed_title, &self.words.failed_text, None)
    }

    fn outcome(&self, sign: &'static str, title: &'static str, text: &str, attempts_left: Option<u32>) -> Response {
        let attempts_left = attempts_left.map(|left| self.words.attempts_left(left));
        let (frame, text) = (self.frame(title), text.replace("{brand}", &self.seen.brand));
        let link = &self.link;
        show(
            StatusCode::OK,
            &frame,
            &Outcome { frame: &frame, words: self.words, link, sign, title, text, attempts_left },
        )
    }

    /// In the tab, whose page it is stands behind what it is.
    fn frame(&self, what: &str) -> Frame {
        let brand = self.seen.brand.clone();
        let logo = Logo::of(self.seen.grid.logo.as_deref());
        Frame { language: self.language, title: format!("{what} – {brand}"), brand, logo }
    }

    /// There is nothing behind this link any more, or never was.
    pub(super) fn over(language: Language, status: StatusCode) -> Response {
        let words = Words::of(language);
        Self::neutral(language, status, &words.over_title, &words.over_text)
    }

    /// There were too many failures for this phone; it rests.
    pub(super) fn rest(language: Language) -> Response {
        let words = Words::of(language);
        Self::neutral(language, StatusCode::TOO_MANY_REQUESTS, &words.rest_title, &words.rest_text)
    }

    /// The fault is ours.
    pub(super) fn trouble(language: Language) -> Response {
        let words = Words::of(language);
        Self::neutral(language, StatusCode::SERVICE_UNAVAILABLE, &words.trouble_title, &words.trouble_text)
    }

    /// A page that speaks for nobody.
    fn neutral(language: Language, status: StatusCode, title: &'static str, text: &str) -> Response {
        let frame = Frame { language, title: title.to_owned(), brand: String::new(), logo: Logo::Ours };
        let (words, text) = (Words::of(language), text.to_owned());
        let page = Outcome { frame: &frame, words, link: "", sign: "over", title, text, attempts_left: None };
        show(status, &frame, &page)
    }
}
