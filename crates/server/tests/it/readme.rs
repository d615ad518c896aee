//! The README's lines, pasted: every `curl` block runs in a shell against a running server, in order.

use crate::running::Running;
use std::{fs, path::Path, process::Command};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_lines_of_the_readme_work_when_pasted() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let blocks: Vec<&str> = readme
        .split("```sh\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.contains("curl"))
        .collect();
    assert!(blocks.len() >= 3, "{blocks:?}");
    let script = blocks.concat().replace("http://127.0.0.1:8080", &server.url);
    let output = Command::new("sh").args(["-euc", &script]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let last = said.trim().lines().last().unwrap();
    assert!(last.contains(r#""status":"approved","valid":true"#), "{said}");
}
