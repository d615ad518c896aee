//! One connection that is kept open: HTTP/1.1 with a fixed head, as little work as possible, so that what is measured is the
//! server and not the client.

use crate::Outcome;
use std::io::{Error, ErrorKind, Write as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// An open connection.
pub struct Client {
    stream: TcpStream,
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// What came back.
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

impl Client {
    /// Connects to `http://host:port`.
    pub async fn connect(url: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, sent: Vec::with_capacity(1024), received: Vec::with_capacity(4096) })
    }

    /// One request, and its whole answer.
    pub async fn post(&mut self, path: &str, key: &str, body: &str) -> Outcome<Answer<'_>> {
        self.post_with(path, &format!("authorization: Bearer {key}\r\n"), body).await
    }

    /// The same with headers of its own, each ended by a line break.
    pub async fn post_with(&mut self, path: &str, headers: &str, body: &str) -> Outcome<Answer<'_>> {
        self.sent.clear();
        write!(
            self.sent,
            "POST {path} HTTP/1.1\r\nhost: bench\r\n{headers}content-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        self.stream.write_all(&self.sent).await?;
        self.answer().await
    }

    /// One request without a body or a key, and its whole answer.
    pub async fn get(&mut self, path: &str) -> Outcome<Answer<'_>> {
        self.get_with(path, "").await
    }

    /// The same with headers of its own, each ended by a line break.
    pub async fn get_with(&mut self, path: &str, headers: &str) -> Outcome<Answer<'_>> {
        self.sent.clear();
        write!(self.sent, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n")?;
        self.stream.write_all(&self.sent).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Outcome<Answer<'_>> {
        self.received.clear();
        loop {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err(Error::from(ErrorKind::UnexpectedEof).into());
            }
            if let Some((status, head, length)) = head(&self.received)
                && self.received.len() >= head + length
            {
                let body = self.received.get(head..head + length).unwrap_or_default();
                return Ok(Answer { status, body });
            }
        }
    }
}

/// Status, length of the head and length of the body, once the head is there.
fn head(received: &[u8]) -> Option<(u16, usize, usize)> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(received.get(..end)?).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    Some((status, end, length.unwrap_or(0)))
}
