//! One picture of the present screen. Its address is good for that screen of that attempt only, and says nothing of what is shown.

use super::Visit;
use crate::{Web, pictures};
use axum::{
    extract::{Path, State},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY},
    },
    response::{IntoResponse as _, Response},
};

pub(super) async fn picture(State(web): State<Web>, visit: Visit, Path((_, name)): Path<(String, String)>) -> Response {
    let Ok(seen) = visit.open(&web).await else { return StatusCode::NOT_FOUND.into_response() };
    let screen = seen.grid.present(&seen.screens);
    let wanted = name.strip_suffix(".png").unwrap_or_default();
    let tile = screen.and_then(|screen| screen.tiles.iter().find(|tile| tile.picture == wanted));
    let Some((category, look)) = tile.map(|tile| (tile.category, tile.look)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    // A few milliseconds of arithmetic, which nobody else should wait for.
    match tokio::task::spawn_blocking(move || pictures::draw(category, look)).await {
        Ok(Some(png)) => {
            let headers = [(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];
            (headers, png).into_response()
        }
        Ok(None) | Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
