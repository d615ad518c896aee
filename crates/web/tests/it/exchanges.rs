//! Plays every `testdata/*.http`. With `REWRITE_TESTDATA=1` the answers in the files are replaced by what the server says
//! now; the difference is for the reviewer of the commit.

use crate::wire::play;
use std::{borrow::Cow, fs, path::Path};

/// Where the store is a database over the network, what one request does side by side draws its chance in any order: then the ids
/// of the messages of one request are not known beforehand.
fn comparable(story: &str) -> Cow<'_, str> {
    if std::env::var_os("COUNTERSIGN_TEST_STORE").is_none() {
        return Cow::Borrowed(story);
    }
    let mut parts = story.split("\"sms_id\":\"");
    let head = parts.next().unwrap_or_default().to_owned();
    Cow::Owned(
        parts
            .fold(head, |told, part| told + "\"sms_id\":\"" + part.trim_start_matches(|c: char| c.is_ascii_hexdigit())),
    )
}

async fn plays(dialect: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dialects").join(dialect).join("testdata");
    let mut played = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let story = fs::read_to_string(&path).unwrap();
        let told = play(story.trim_end()).await;
        if std::env::var_os("REWRITE_TESTDATA").is_some() {
            fs::write(&path, &told).unwrap();
        } else {
            assert_eq!(comparable(&told), comparable(&story), "{}", path.display());
        }
        played += 1;
    }
    assert!(played > 0);
}

#[tokio::test]
async fn native_answers_to_the_letter() {
    plays("native").await;
}

#[tokio::test]
async fn clickatell_answers_to_the_letter() {
    plays("clickatell").await;
}

#[tokio::test]
async fn gateway360_answers_to_the_letter() {
    plays("gateway360").await;
}

#[tokio::test]
async fn auth0_answers_to_the_letter() {
    plays("auth0").await;
}

#[tokio::test]
async fn authentix_answers_to_the_letter() {
    plays("authentix").await;
}

#[tokio::test]
async fn nevis_answers_to_the_letter() {
    plays("nevis").await;
}
