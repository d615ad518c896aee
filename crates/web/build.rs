//! Packs the large files of `assets/`, which stand there as they came, so that the binary carries a quarter of them.

use flate2::{Compression, write::GzEncoder};
use std::{env, error::Error, fs, io::Write as _, path::Path};

const LARGE: [&str; 4] =
    ["docs/swagger-ui-bundle.js", "docs/swagger-ui.css", "pictures/fluent.json", "pictures/noto.json"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    for file in LARGE {
        let path = format!("assets/{file}");
        println!("cargo::rerun-if-changed={path}");
        let name = Path::new(file).file_name().ok_or("a file has a name")?.to_string_lossy();
        let packed = fs::File::create(format!("{out}/{name}.gz"))?;
        let mut encoder = GzEncoder::new(packed, Compression::best());
        encoder.write_all(&fs::read(&path)?)?;
        encoder.finish()?;
    }
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
