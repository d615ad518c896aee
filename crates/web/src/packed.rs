//! Large files of the binary, which `build.rs` has packed with gzip (RFC 1952).

use flate2::read::GzDecoder;
use std::io::{self, Read as _};

/// A file that was packed.
#[derive(Clone, Copy)]
pub(crate) struct Packed(pub &'static [u8]);

/// The packed form of a file that `build.rs` lists, by its name without folders.
macro_rules! packed {
    ($name:literal) => {
        $crate::packed::Packed(include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")))
    };
}
pub(crate) use packed;

impl Packed {
    /// What was packed.
    ///
    /// # Errors
    /// Never for what this program was built with.
    pub(crate) fn unpacked(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        GzDecoder::new(self.0).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
