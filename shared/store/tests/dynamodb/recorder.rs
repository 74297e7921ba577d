//! Stands between a client and the server: notes what is asked for, and answers in the server's place when told to.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// Requests of DynamoDB on their way.
#[derive(Clone)]
pub struct Recorder {
    port: u16,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    operations: Vec<String>,
    answered_bytes: usize,
    instead: VecDeque<Instead>,
}

/// An answer in the server's place.
struct Instead {
    operation: &'static str,
    /// The client gets no answer at all where the server answers.
    answer: Option<(u16, String)>,
}

impl Recorder {
    pub async fn before(server: &str) -> Recorder {
        let server = server.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let recorder = Recorder { port: listener.local_addr().unwrap().port(), notes: Arc::default() };
        let notes = recorder.notes.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(pass(client, server.clone(), notes.clone()));
            }
        });
        recorder
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What was asked for since this was last asked.
    pub fn operations(&self) -> Vec<String> {
        std::mem::take(&mut self.notes.lock().unwrap().operations)
    }

    /// Bytes of answers since this was last asked.
    pub fn answered_bytes(&self) -> usize {
        std::mem::take(&mut self.notes.lock().unwrap().answered_bytes)
    }

    pub fn forget(&self) {
        *self.notes.lock().unwrap() = Notes::default();
    }

    /// Answers the next so many requests of an operation with an error of DynamoDB.
    pub fn refuse(&self, operation: &'static str, times: usize, status: u16, error: &str, more: &str) {
        let body = format!(r#"{{"__type":"com.amazonaws.dynamodb.v20120810#{error}","message":"as the test wants it"{more}}}"#);
        let instead = (0..times).map(|_| Instead { operation, answer: Some((status, body.clone())) });
        self.notes.lock().unwrap().instead.extend(instead);
    }

    /// Loses the server's answer to the next request of an operation.
    pub fn lose_answer(&self, operation: &'static str) {
        self.notes.lock().unwrap().instead.push_back(Instead { operation, answer: None });
    }
}

/// One request of a connection, and its end.
async fn pass(client: TcpStream, server: String, notes: Arc<Mutex<Notes>>) {
    let mut client = BufReader::new(client);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8(head).unwrap();
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(is, _)| is.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).next()
    };
    let mut body = vec![0; header("content-length").map_or(0, |length| length.parse().unwrap())];
    client.read_exact(&mut body).await.unwrap();
    let operation = header("x-amz-target").and_then(|target| target.split('.').nth(1).map(str::to_owned)).unwrap_or_default();
    let instead = {
        let mut notes = notes.lock().unwrap();
        notes.operations.push(operation.clone());
        let place = notes.instead.iter().position(|instead| instead.operation == operation);
        place.and_then(|place| notes.instead.remove(place))
    };
    let mut client = client.into_inner();
    let lost = matches!(instead, Some(Instead { answer: None, .. }));
    if let Some(Instead { answer: Some((status, body)), .. }) = instead {
        let answer = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        client.write_all(answer.as_bytes()).await.unwrap();
        return;
    }
    let mut server = TcpStream::connect(server).await.unwrap();
    let head = head.replacen("\r\n", "\r\nconnection: close\r\n", 1);
    server.write_all(head.as_bytes()).await.unwrap();
    server.write_all(&body).await.unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.unwrap();
    if lost {
        return;
    }
    notes.lock().unwrap().answered_bytes += answer.len();
    let _ = client.write_all(&answer).await;
}
