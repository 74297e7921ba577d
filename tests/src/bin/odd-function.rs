//! A function that does what its client asks, good or bad: for tests of what runs functions. It speaks the Runtime API by itself.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "what goes wrong here goes wrong in a test")]

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    process::exit,
    thread::{self, sleep},
    time::Duration,
};

use serde_json::{Value, json};

const PAUSE: Duration = Duration::from_millis(5);

fn main() {
    let name = std::env::var("AWS_LAMBDA_FUNCTION_NAME").unwrap();
    match name.as_str() {
        "exits-at-start" => exit(3),
        "cannot-start" => {
            post("init/error", r#"{"errorType":"Odd","errorMessage":"no start"}"#);
            exit(1);
        }
        _ => {}
    }
    for count in 1.. {
        let (id, event) = next();
        if event.get("httpMethod").is_none() {
            collect(&name, &id, &event);
            continue;
        }
        let asked = event["body"].as_str().unwrap_or("answer").to_owned();
        println!("asked to {asked}");
        let (verb, argument) = asked.split_once(' ').unwrap_or((&asked, ""));
        let body = json!({"pid": std::process::id(), "count": count, "path": event["path"]}).to_string();
        if name == "odd-stream" {
            stream(&id, verb, argument);
        } else {
            answer(&id, verb, argument, &json!({"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}).to_string());
        }
    }
}

/// A response that is sent whole, or what else was asked for.
fn answer(id: &str, verb: &str, argument: &str, ok: &str) {
    let response = format!("invocation/{id}/response");
    match verb {
        "answer" => drop(post(&response, ok)),
        "exit" => exit(3),
        "panic" => panic!("as asked"),
        "hang" => sleep(Duration::from_secs(60)),
        "garbage" => drop(post(&response, "no JSON")),
        "fail" => drop(post(&format!("invocation/{id}/error"), r#"{"errorType":"Odd","errorMessage":"as asked"}"#)),
        "large" => assert_eq!(post(&response, &json!({"statusCode": 200, "body": "x".repeat(6 << 20)}).to_string()).0, 413),
        "ask-for-more" => {}
        "answer-another" => {
            assert_eq!(post("invocation/another/response", ok).0, 403);
            post(&response, ok);
        }
        "wait-for" => {
            wait_for(argument);
            post(&response, ok);
        }
        "go-on-in" => {
            let path = argument.to_owned();
            thread::spawn(move || {
                for number in 0.. {
                    fs::write(&path, format!("{number}")).unwrap();
                    sleep(PAUSE);
                }
            });
            post(&response, ok);
        }
        other => panic!("there is nothing like `{other}`"),
    }
}

/// A streamed response: its prelude cut in two, a piece, and after that what was asked for.
fn stream(id: &str, verb: &str, argument: &str) {
    let mut stream = connect();
    let head =
        format!("POST /2018-06-01/runtime/invocation/{id}/response HTTP/1.1\r\nhost: lambda\r\nconnection: close\r\ntransfer-encoding: chunked\r\n");
    write!(stream, "{head}lambda-runtime-function-response-mode: streaming\r\n\r\n").unwrap();
    let mut piece = |bytes: &str| write!(stream, "{:x}\r\n{bytes}\r\n", bytes.len()).unwrap();
    if verb == "garbage" {
        piece("no prelude");
    } else {
        piece("{\"statusCode\":200,\"headers\":{\"content-type\":\"text/plain\"},\"cookies\":[\"a=1\",\"b=2\"]}\0\0\0");
        piece("\0\0\0\0\0one ");
    }
    match verb {
        "exit" => exit(3),
        "hang" => sleep(Duration::from_secs(60)),
        "wait-for" => wait_for(argument),
        _ => {}
    }
    piece("two");
    write!(stream, "0\r\n\r\n").unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
}

/// An event of a queue or the clock: kept in a file. A message that comes for the first time is said to have failed.
fn collect(name: &str, id: &str, event: &Value) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(format!("{name}.events")).unwrap();
    writeln!(file, "{event}").unwrap();
    let messages = event["Records"].as_array().into_iter().flatten();
    let first = messages.filter(|message| message["attributes"]["ApproximateReceiveCount"] == "1");
    let failures: Vec<_> = first.map(|message| json!({"itemIdentifier": message["messageId"]})).collect();
    post(&format!("invocation/{id}/response"), &json!({"batchItemFailures": failures}).to_string());
}

/// Says in a file that it waits, until there is another.
fn wait_for(file: &str) {
    fs::write(format!("{file}.begun"), "").unwrap();
    while !Path::new(file).exists() {
        sleep(PAUSE);
    }
}

/// The next invocation's id and event.
fn next() -> (String, Value) {
    let (_, head, body) = ask("GET", "invocation/next", "");
    let id = head.lines().find_map(|line| line.strip_prefix("lambda-runtime-aws-request-id: ")).unwrap();
    (id.to_owned(), serde_json::from_str(&body).unwrap())
}

fn post(path: &str, body: &str) -> (u16, String) {
    let (status, _, answer) = ask("POST", path, body);
    (status, answer)
}

/// Status, head and body of what the Runtime API answers.
fn ask(method: &str, path: &str, body: &str) -> (u16, String, String) {
    let mut stream = connect();
    let head = format!("{method} /2018-06-01/runtime/{path} HTTP/1.1\r\nhost: lambda\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    // Refused in the midst of it, the answer is there all the same.
    let _ = stream.write_all(format!("{head}{body}").as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| exit(0));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
}

/// Where there is nobody any more, nothing is to be done.
fn connect() -> TcpStream {
    TcpStream::connect(std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap()).unwrap_or_else(|_| exit(0))
}
