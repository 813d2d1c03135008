//! An HTTP server that says what it was told to say, in order, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// An answer to one request.
#[derive(Clone)]
pub(super) enum Canned {
    /// Status line, content type, body.
    Answer(&'static str, &'static str, String),
    /// The connection is closed without an answer.
    HangUp,
}

impl Canned {
    pub(super) fn ok(body: &str) -> Self {
        Self::status("200 OK", body)
    }

    pub(super) fn status(status: &'static str, body: &str) -> Self {
        Self::Answer(status, "application/json", body.to_owned())
    }

    pub(super) fn problem(status: &'static str, body: &str) -> Self {
        Self::Answer(status, "application/problem+json", body.to_owned())
    }
}

/// The server. It stops when dropped.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves `answers`, one a request; the last is repeated for ever.
    pub(super) async fn start(answers: impl IntoIterator<Item = Canned>) -> Self {
        let answers: Vec<Canned> = answers.into_iter().collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            for turn in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = &answers[turn.min(answers.len() - 1)];
                serve(stream, answer, &heard).await;
            }
        });
        Self { url, asked, task }
    }

    /// Method and path of all requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|(line, _)| line.clone())
            .collect()
    }

    /// The body of request number `index`.
    pub(super) fn body(&self, index: usize) -> Value {
        serde_json::from_str(&self.asked.lock().unwrap()[index].1).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, answer: &Canned, heard: &Mutex<Vec<(String, String)>>) {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    stream.read_line(&mut request).await.unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        stream.read_line(&mut header).await.unwrap();
        match header.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    let line = request.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    heard
        .lock()
        .unwrap()
        .push((line, String::from_utf8(body).unwrap()));
    let Canned::Answer(status, content_type, body) = answer else {
        return;
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
}
