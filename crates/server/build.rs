//! Packs the binary's table of relocations (`DT_RELR`), which is a twenty-fifth of it otherwise. Its loader must know that form:
//! glibc does since 2.36. A binary that is linked beside an older one, or for another system, stays as it is.

use std::{env, process::Command};

/// The first glibc whose loader reads it.
const SINCE: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if is_for_this_machine() && glibc().is_some_and(|version| version >= SINCE) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is_for_this_machine() -> bool {
    let of = |name| env::var(name).unwrap_or_default();
    of("CARGO_CFG_TARGET_ENV") == "gnu" && of("HOST") == of("TARGET")
}

/// As `getconf` tells it: `glibc 2.36`.
fn glibc() -> Option<(u32, u32)> {
    let told = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(told.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor: String = minor.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}
