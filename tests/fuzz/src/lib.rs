//! What is fed with whatever anybody may send: each function takes bytes, reads them as the product would, and holds what comes out to what has to be so.
//!
//! It is the library of the fuzz targets, and a test of the workspace which feeds the inputs that were found and kept.
#![allow(dead_code, reason = "of the gateway's files not everything is fed")]
#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking"))]

/// Files of the gateway, which is a program and no library.
#[path = "../../../infra/gateway/src"]
mod gateway {
    pub mod router;
    pub mod template;

    pub mod lambda {
        pub mod response;

        /// As far as it concerns responses.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Failure {
            Failed(&'static str),
        }
    }
}
mod messages;
#[cfg(test)]
mod replay;

use std::sync::LazyLock;

use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use gateway::{
    lambda::response,
    router::{Router, canonical},
    template::{BUILT_IN, Event, Template},
};
use guard::threats::{Context, in_field};
use http::Method;

// As the included files name it.
pub(crate) use gateway::template;

pub use messages::{dialect_0_1, dialect_0_3, dialect_1_0, json_rpc, rest};

/// Is fed.
pub type Feed = fn(&[u8]);

/// Every function that is fed, by the name of its target and of the folder of its inputs.
pub const TARGETS: [(&str, Feed); 9] = [
    ("json_rpc", json_rpc),
    ("dialect_1_0", dialect_1_0),
    ("dialect_0_3", dialect_0_3),
    ("dialect_0_1", dialect_0_1),
    ("rest", rest),
    ("route", route),
    ("template", self::template),
    ("prelude", prelude),
    ("threats", threats),
];

/// The path of a request, on its way to a function.
pub fn route(data: &[u8]) {
    static ROUTER: LazyLock<Router<()>> = LazyLock::new(|| {
        let functions = Template::parse(BUILT_IN).into_iter().flat_map(|template| template.functions);
        let routes = functions.flat_map(|function| function.events).filter_map(|event| match event {
            Event::Route(route) => Some((route, ())),
            _ => None,
        });
        Router::new(routes).unwrap_or_else(|error| panic!("{error:#}"))
    });
    let (first, path) = split(data);
    let path = format!("/{}", String::from_utf8_lossy(path));
    let path = canonical(&path);
    assert_eq!(canonical(&path), path, "what is canonical stays as it is");
    assert!(path.starts_with('/') && !path.contains("//"), "{path}");
    let method = [Method::GET, Method::POST, Method::DELETE, Method::HEAD, Method::OPTIONS][usize::from(first) % 5].clone();
    if let Some(found) = ROUTER.find(&method, &path) {
        for (name, value) in found.parameters.iter() {
            assert!(found.target.route.path.contains(name) && path.contains(value), "{name}={value}");
        }
    }
}

/// A template that an operator names.
pub fn template(data: &[u8]) {
    if let Ok(template) = Template::parse(&String::from_utf8_lossy(data)) {
        assert!(!template.functions.is_empty());
        assert!(template.functions.iter().all(|function| !function.name.is_empty()));
    }
}

/// What a function answers: whole, and in pieces of some size with a prelude before them.
pub fn prelude(data: &[u8]) {
    let (size, data) = split(data);
    if let Ok(whole) = response::whole(data) {
        assert!(whole.status().as_u16() >= 100);
    }
    let pieces: Vec<_> = data.chunks(usize::from(size).max(1)).map(Bytes::copy_from_slice).collect();
    let read = |pieces: &[Bytes]| {
        let (sender, receiver) = tokio::sync::mpsc::channel(pieces.len().max(1));
        for piece in pieces {
            assert!(sender.try_send(piece.clone()).is_ok());
        }
        drop(sender);
        let read = async {
            let (head, body) = response::streamed(receiver).await.ok()?.into_parts();
            let body = match body {
                edge::Body::Whole(bytes) => bytes.unwrap_or_default().to_vec(),
                edge::Body::Stream(pieces) => pieces.collect::<Vec<_>>().await.concat(),
            };
            Some((head.status, head.headers, body))
        };
        // All pieces are there.
        read.now_or_never().flatten()
    };
    let whole = Bytes::copy_from_slice(data);
    // A prelude that is too long may be seen as such sooner or later.
    if data.len() < 32 * 1024 {
        assert_eq!(read(&pieces), read(&[whole]), "it doesn't matter where pieces end");
    }
}

/// A text that is searched for attacks, as a name and as prose.
pub fn threats(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for context in [Context::Name, Context::Text] {
        if let Some(found) = in_field("field", &text, context) {
            assert!(!found.threat.reasons.is_empty() && found.threat.score > 0);
        }
    }
}

/// The first byte, which chooses something, and the rest.
fn split(data: &[u8]) -> (u8, &[u8]) {
    data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
}
