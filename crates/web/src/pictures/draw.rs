//! Draws a picture as PNG. Turned, tinted, moved and on a ground of its own each time, so that its bytes tell nobody which of the
//! pictures it is.

use super::gallery;
use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree},
};

/// Width and height, in pixels: sharp on a phone whose screen has two of them in each of the page's.
const SIZE: u32 = 288;
/// The units of the drawings of each style, each way.
const UNITS: [f32; 2] = [32.0, 128.0];

/// A ground and a lighter patch on it, both pale enough for every picture to stand out.
const GROUNDS: [(&str, &str); 8] = [
    ("#e3f1ea", "#f1f8f4"),
    ("#e2eef8", "#f1f7fc"),
    ("#ece8f7", "#f6f4fb"),
    ("#f8e8ee", "#fcf4f7"),
    ("#fbeedd", "#fdf7ee"),
    ("#f5f1da", "#fbf9ec"),
    ("#dff1f3", "#eff8f9"),
    ("#e9ecef", "#f4f6f7"),
];

/// How one picture differs from another of the same thing.
struct Look {
    style: usize,
    ground: usize,
    turn_degrees: f32,
    hue_degrees: f32,
    scale: f32,
    patch: (f32, f32, f32),
}

impl Look {
    /// From a random number: each property from bits of its own.
    fn of(random: u32) -> Self {
        let bits = |from: u32, count: u32| u16::try_from((random >> from) & ((1 << count) - 1)).unwrap_or(0);
        let share = |from, count: u32| f32::from(bits(from, count)) / f32::from((1_u16 << count) - 1);
        Self {
            style: usize::from(bits(0, 1)),
            ground: usize::from(bits(1, 3)),
            turn_degrees: -18.0 + 36.0 * share(4, 7),
            hue_degrees: -16.0 + 32.0 * share(11, 6),
            scale: 0.60 + 0.12 * share(17, 5),
            patch: (20.0 + 60.0 * share(22, 4), 20.0 + 60.0 * share(26, 4), 38.0 + 14.0 * share(30, 2)),
        }
    }
}

/// A picture of a category, drawn as a random number says. None: there is no such category.
pub(crate) fn draw(category: u16, random: u32) -> Option<Vec<u8>> {
    drawn(category, &Look::of(random))
}

/// A picture of a category as it is, for somebody who chooses.
pub(crate) fn sample(category: u16) -> Option<Vec<u8>> {
    let patch = (50.0, 50.0, 44.0);
    drawn(category, &Look { style: 0, ground: 7, turn_degrees: 0.0, hue_degrees: 0.0, scale: 0.68, patch })
}

fn drawn(category: u16, look: &Look) -> Option<Vec<u8>> {
    let tree = Tree::from_str(&svg(category, look)?, &Options::default()).ok()?;
    let mut pixels = Pixmap::new(SIZE, SIZE)?;
    let scale = Transform::from_scale(2.88, 2.88);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().ok()
}

fn svg(category: u16, look: &Look) -> Option<String> {
    let (inner, units) = (gallery::drawing(category, look.style)?, UNITS.get(look.style)?);
    let (ground, light) = GROUNDS.get(look.ground)?;
    let (x, y, radius) = look.patch;
    let (turn, scale, half) = (look.turn_degrees, look.scale * 100.0 / units, -units / 2.0);
    Some(format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="100" height="100"><defs><filter id="tint_of_all" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB"><feColorMatrix type="hueRotate" values="{hue}"/></filter></defs><path fill="{ground}" d="M0 0h100v100H0z"/><circle fill="{light}" cx="{x}" cy="{y}" r="{radius}"/><g filter="url(#tint_of_all)"><g transform="translate(50 50) rotate({turn}) scale({scale}) translate({half} {half})">{inner}</g></g></svg>"#,
        hue = look.hue_degrees
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_category_can_be_drawn_in_both_styles() {
        for category in 0..gallery::pool() {
            for random in [0x5a5a_5a5a, 0xa5a5_a5a5] {
                let png = draw(category, random).unwrap();
                assert!(png.starts_with(b"\x89PNG") && png.len() > 2_000, "{category}: {} bytes", png.len());
            }
            assert!(sample(category).is_some());
        }
        assert_eq!(draw(gallery::pool(), 0), None);
    }

    #[test]
    fn no_two_pictures_of_a_thing_have_the_same_bytes() {
        let (one, same, other) = (draw(3, 0x1234_5678), draw(3, 0x1234_5678), draw(3, 0x1234_5679 ^ 0x40));
        assert_eq!(one, same);
        assert_ne!(one, other);
    }
}
