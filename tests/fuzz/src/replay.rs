//! The inputs that were found, and some that are large or deep: none may crash or take long.

use std::{fs, path::Path, time::Instant};

use super::*;

#[test]
fn what_was_found_is_read_without_a_crash() {
    let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus"));
    for (name, feed) in TARGETS {
        let inputs: Vec<_> = fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(inputs.len() >= 10, "{name} has {} inputs", inputs.len());
        for input in inputs {
            let data = fs::read(&input).unwrap();
            assert!(data.len() <= 64 * 1024, "{} has {} bytes", input.display(), data.len());
            println!("{}", input.display());
            feed(&data);
        }
    }
}

#[test]
fn deep_and_large_inputs_are_read_on_a_small_stack() {
    // Less than the 2 MB of a thread of tokio.
    let small = std::thread::Builder::new().stack_size(1024 * 1024);
    let bombs = small.spawn(|| {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("{\"message\":{\"parts\":[", "]}}"), ("- ", ""), ("? ", ""), ("%25", ""), ("&amp;", "")]
        {
            for depth in [100, 127, 128, 10_000, 200_000] {
                let text = format!("\0{}1{}", open.repeat(depth), close.repeat(depth));
                for (name, feed) in TARGETS {
                    let begun = Instant::now();
                    feed(text.as_bytes());
                    assert!(begun.elapsed().as_secs() < 10, "{name} with `{open}` {depth} times: {:?}", begun.elapsed());
                }
            }
        }
    });
    bombs.unwrap().join().unwrap();
}
