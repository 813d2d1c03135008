//! What tests ask of a controller over HTTP, and how they wait for it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use godwit_controller::ControllerConfig;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Longer than anything that is waited for in good order.
const PATIENCE: Duration = Duration::from_secs(20);

/// A controller on ports that nobody else uses.
pub(crate) fn anywhere() -> ControllerConfig {
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    ControllerConfig {
        openflow: vec![any],
        http: any,
        topology: Default::default(),
        rules: godwit_controller::RulesSettings::unaudited(),
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < PATIENCE, "in vain waited for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Status and body of the answer to a request.
pub(crate) async fn ask(
    http: SocketAddr,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> (u16, String) {
    let mut stream = TcpStream::connect(http).await.unwrap();
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: godwit\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}
