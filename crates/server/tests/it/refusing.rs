//! What is wrong with a request before any API looks at it, as the real binary answers it on a real socket.

use crate::running::Running;
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
};

/// The answer to these bytes, after which the connection is closed.
fn answer(server: &Running, request: &str) -> String {
    let mut client = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).unwrap();
    _ = client.write_all(request.as_bytes());
    let mut answer = Vec::new();
    _ = client.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_no_api_can_take_is_refused_as_a_problem() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    let chunked = "host: a\r\ntransfer-encoding: gzip, chunked\r\n";
    for (headers, body, status) in [
        ("", "", "400 Bad Request"),
        ("host: a\r\nhost: b\r\n", "", "400 Bad Request"),
        ("host: a b\r\n", "", "400 Bad Request"),
        ("host: a\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n", "{}", "415 Unsupported Media Type"),
        (chunked, "2\r\n{}\r\n0\r\n\r\n", "501 Not Implemented"),
    ] {
        let request = format!("POST /v1/verifications HTTP/1.1\r\nconnection: close\r\n{headers}\r\n{body}");
        let answer = answer(&server, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
        assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_as_a_problem() {
    let data = tempfile::tempdir().unwrap();
    let server = Running::dev(data.path()).await;
    for (request, status) in [
        ("nonsense\r\n\r\n".to_owned(), "400"),
        ("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(), "400"),
        (format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(40_000)), "431"),
    ] {
        let answer = answer(&server, &request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")) && answer.ends_with('}'), "{answer}");
        assert!(answer.contains("\r\ncontent-type: application/problem+json\r\n"), "{answer}");
    }
}
