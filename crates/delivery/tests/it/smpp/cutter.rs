//! A wire that is cut again and again: it stands between a client and a server, and drops each connection, with all that is
//! under way on it, so long after it was made.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Starts one before a server on this machine; its own port.
pub async fn start(server: u16, cut_after: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let Ok(mut server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], server))).await else {
                    return;
                };
                let _ = timeout(cut_after, copy_bidirectional(&mut client, &mut server)).await;
            });
        }
    });
    port
}
