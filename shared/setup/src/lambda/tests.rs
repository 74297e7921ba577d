//! A Runtime API that a test holds in its hands, and functions that are fed by it.

use std::{
    cell::Cell,
    convert::Infallible,
    future::ready,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
    time::Instant,
};

use bytes::Bytes;
use edge::Body;
use futures::{StreamExt, stream};
use http_body_util::{BodyExt, BodyStream};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use super::*;

/// What the function said: the path below the API's version, the head's fields that matter, and a piece of the body.
type Said = (String, Option<String>, Bytes);

/// Gives these events one after the other, then none; tells what is said to it, a streamed body piece by piece.
async fn runtime_api(events: Vec<&'static str>) -> (RuntimeApi, UnboundedReceiver<Said>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = RuntimeApi::new(listener.local_addr().unwrap().to_string());
    let (says, said) = unbounded_channel();
    tokio::spawn(async move {
        let given = AtomicUsize::new(0);
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(|request| answered(request, &events, &given, &says));
        let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    });
    (api, said)
}

async fn answered(
    request: http::Request<Incoming>,
    events: &[&'static str],
    given: &AtomicUsize,
    says: &UnboundedSender<Said>,
) -> Result<http::Response<String>, Infallible> {
    let path = request.uri().path().replace("/2018-06-01/runtime/", "");
    if path == "invocation/next" {
        let number = given.fetch_add(1, SeqCst);
        let Some(event) = events.get(number) else { return std::future::pending().await };
        let head = http::Response::builder().header("lambda-runtime-aws-request-id", format!("r{number}"));
        return Ok(head.header("lambda-runtime-deadline-ms", "1").body((*event).to_owned()).unwrap());
    }
    let mode = request.headers().get("lambda-runtime-function-response-mode").map(|mode| mode.to_str().unwrap().to_owned());
    let mut pieces = BodyStream::new(request.into_body());
    while let Some(piece) = pieces.next().await {
        says.send((path.clone(), mode.clone(), piece.unwrap().into_data().unwrap())).unwrap();
    }
    Ok(http::Response::builder().status(202).body(String::new()).unwrap())
}

async fn feed<F: Future<Output = Outcome>>(mut api: RuntimeApi, answer: impl Fn(Bytes) -> F) -> crate::Result {
    each(&mut api, async |invocation| answer(invocation.event.clone()).await, || ready(()).boxed(), std::future::pending()).await
}

/// A response of pieces, each of which is made when its reader has heard the one before.
fn conversation(pieces: usize, mut heard: UnboundedReceiver<()>) -> Body {
    Body::stream(async_stream::stream! {
        for number in 0..pieces {
            yield Bytes::from(format!("data: {number}\n\n"));
            heard.recv().await;
        }
    })
}

#[tokio::test]
async fn the_pieces_of_a_stream_leave_at_once() {
    let (api, mut said) = runtime_api(vec!["{}"]).await;
    let (hears, heard) = unbounded_channel();
    let heard = Cell::new(Some(heard));
    let function = feed(api, async |_| Outcome::Streamed(api_gateway::streamed(edge::Response::new(conversation(20, heard.take().unwrap())))));
    let listener = async {
        let (path, mode, first) = said.recv().await.unwrap();
        assert_eq!((&*path, mode.as_deref()), ("invocation/r0/response", Some("streaming")));
        // The prelude, its end, and what there was to say: together.
        let text = String::from_utf8(first.to_vec()).unwrap();
        assert_eq!(text, "{\"cookies\":[],\"headers\":{},\"statusCode\":200}\0\0\0\0\0\0\0\0data: 0\n\n");
        let began = Instant::now();
        for number in 1..20 {
            hears.send(()).unwrap();
            assert_eq!(said.recv().await.unwrap().2, format!("data: {number}\n\n"));
        }
        began.elapsed()
    };
    tokio::select! {
        ended = function => panic!("{ended:?}"),
        // Waiting for an acknowledgement takes 40 ms each time.
        took = listener => assert!(took.as_millis() < 300, "{took:?}"),
    }
}

#[tokio::test]
async fn an_event_that_panics_is_told_as_an_error_and_the_next_one_is_answered() {
    let (api, mut said) = runtime_api(vec!["1", "2"]).await;
    let function = feed(api, async |event| {
        assert_eq!(event, "2", "a bug");
        Outcome::Whole(b"\"done\"".to_vec())
    });
    let listener = async {
        let (path, _, body) = said.recv().await.unwrap();
        assert_eq!(path, "invocation/r0/error");
        assert_eq!(body, r#"{"errorMessage":"the function panicked","errorType":"Runtime.Panic","stackTrace":[]}"#);
        let (path, _, body) = said.recv().await.unwrap();
        assert_eq!((&*path, &body[..]), ("invocation/r1/response", &b"\"done\""[..]));
    };
    tokio::select! { ended = function => panic!("{ended:?}"), () = listener => {} }
}

#[tokio::test]
async fn metrics_are_flushed_after_the_last_piece_of_a_stream_and_before_its_end() {
    let (mut api, mut said) = runtime_api(vec!["whole", "streamed"]).await;
    let (hears, heard) = unbounded_channel();
    let heard = Cell::new(Some(heard));
    let flushes = Arc::new(AtomicUsize::new(0));
    let counted = flushes.clone();
    let answer = async |invocation: &Invocation| match &invocation.event[..] {
        b"whole" => Outcome::Whole(b"1".to_vec()),
        _ => Outcome::Streamed(api_gateway::streamed(edge::Response::new(conversation(2, heard.take().unwrap())))),
    };
    let flush = move || {
        counted.fetch_add(1, SeqCst);
        ready(()).boxed()
    };
    let listener = async {
        assert_eq!(said.recv().await.unwrap().0, "invocation/r0/response");
        assert_eq!(flushes.load(SeqCst), 1);
        for piece in 0..2 {
            assert_eq!(said.recv().await.unwrap().0, "invocation/r1/response");
            assert_eq!(flushes.load(SeqCst), 1, "at piece {piece}");
            hears.send(()).unwrap();
        }
        // The end has come when the function asks for the next event.
        while flushes.load(SeqCst) == 1 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! { ended = each(&mut api, answer, flush, std::future::pending()) => panic!("{ended:?}"), () = listener => {} }
}

#[tokio::test]
async fn who_is_told_to_end_answers_first_what_it_has_begun() {
    let (mut api, mut said) = runtime_api(vec!["1", "2"]).await;
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let tell = Cell::new(Some(tell));
    let answer = async |_: &Invocation| {
        drop(tell.take());
        Outcome::Whole(b"1".to_vec())
    };
    each(&mut api, answer, || ready(()).boxed(), async { drop(told.await) }).await.unwrap();
    assert_eq!(said.recv().await.unwrap().0, "invocation/r0/response");
    assert!(said.try_recv().is_err());
}

#[tokio::test]
async fn a_streamed_response_has_a_byte_and_each_header_once() {
    let mut response = edge::Response::new(Body::empty());
    response.headers_mut().append("vary", "Origin".parse().unwrap());
    response.headers_mut().append("vary", "A2A-Version".parse().unwrap());
    let bytes = api_gateway::streamed(response).collect().await.unwrap().to_bytes();
    assert_eq!(bytes, "{\"cookies\":[],\"headers\":{\"vary\":\"Origin, A2A-Version\"},\"statusCode\":200}\0\0\0\0\0\0\0\0\n");
    let silent = edge::Response::new(Body::stream(stream::empty()));
    assert!(api_gateway::streamed(silent).collect().await.unwrap().to_bytes().ends_with(b"\0\n"));
}

#[tokio::test]
async fn what_is_no_event_of_api_gateway_is_refused() {
    let (mut api, _said) = runtime_api(vec!["{\"Records\":[]}"]).await;
    let invocation = api.next().await.unwrap();
    let error = api_gateway::request(&invocation.event, &invocation.context).unwrap_err();
    let Outcome::Failed { kind, .. } = not_understood(&invocation.context, &error) else { panic!() };
    assert_eq!(kind, "Runtime.UnmarshalError");
}
