//! The pictures of the image grid: everyday things in two styles, with their names in every language of the hosted pages. Which of
//! them a screen shows is decided in `countersign_model::challenge`; how one is drawn, in `draw.rs`. Where they come from, and
//! under which licences: `assets/pictures/VENDORED.md`.

mod draw;
mod gallery;

pub(crate) use draw::{draw, sample};
pub(crate) use gallery::{category_named, name, names, pool};
