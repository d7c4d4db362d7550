//! Tells the service manager that requests are answered, for as long as they are.
//!
//! Requests are asked by the path that customers' take: accepted by the same thread, answered by the same workers. They
//! come by an address of their own, since others may answer at the public one, too: the process that takes over, or
//! further instances on the same socket.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::notify;

const QUESTION: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: watchdog\r\nconnection: close\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 ";
/// Between two attempts where an answer is no answer.
const PAUSE: Duration = Duration::from_millis(100);
/// Of what is left until the service manager gives up, a round is begun each such part.
const PART: u32 = 3;

/// How long the service manager waits for a sign of life, if it waits for one.
pub(super) fn limit() -> Option<Duration> {
    sd_notify::watchdog_enabled().filter(|limit| !limit.is_zero())
}

/// Asks each worker, and tells of it when all have answered; so one that answers no more is found out although others do.
/// Never ends. Dropping it stops the signs of life.
pub(super) async fn run(address: SocketAddr, workers: usize, limit: Duration) {
    loop {
        // Connections are dealt out to the workers in turn.
        join_all((0..workers).map(|_| ask(address))).await;
        notify::alive();
        sleep(limit / PART).await;
    }
}

/// Ends when there was an answer. A worker that is stuck never gives one: then there are no more signs of life.
async fn ask(address: SocketAddr) {
    while !is_answered(address).await.unwrap_or(false) {
        sleep(PAUSE).await;
    }
}

async fn is_answered(address: SocketAddr) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(QUESTION).await?;
    let mut beginning = [0; ANSWER.len()];
    stream.read_exact(&mut beginning).await?;
    let is_answer = beginning == ANSWER;
    // Read to its end, so that it is not cut off.
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await?;
    Ok(is_answer)
}
