//! What every store of blocked addresses must do.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use engine::ports::{Block, BlockStore, Offender};
use futures::future::join_all;

/// The store under test.
type Store = Arc<dyn BlockStore>;

every_backend! {
    what_was_put_is_there,
    of_many_who_change_an_address_one_wins,
    only_who_is_blocked_now_is_listed_the_latest_first,
    a_forgotten_address_is_new_again,
}

/// In the time of the servers, which may forget what is long over.
fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(4_000_000_000_000 + seconds * 1000).unwrap()
}

fn offender(address: &str, version: u64, blocked: Option<(i64, i64)>) -> Offender {
    let block = blocked.map(|(since, until)| Block { since: at(since), until: at(until), reason: "10 wrong \"credentials\"".into(), failures: 10 });
    Offender { address: address.into(), version, failures: vec![at(-2), at(-1)], block, blocks: 3, forget_at: at(1_000) }
}

async fn what_was_put_is_there(store: Store) {
    assert_eq!(store.offender("192.0.2.1").await.unwrap(), None);
    for known in [offender("192.0.2.1", 1, None), offender("2001:db8:1:2::/64", 1, Some((0, 900))), offender("192.0.2.1", 2, Some((0, 900)))] {
        assert!(store.put_offender(&known, at(0)).await.unwrap());
        assert_eq!(store.offender(&known.address).await.unwrap(), Some(known));
    }
}

async fn of_many_who_change_an_address_one_wins(store: Store) {
    for version in [1, 2, 3] {
        let change = |_| {
            let store = store.clone();
            async move { store.put_offender(&offender("192.0.2.1", version, None), at(0)).await.unwrap() }
        };
        let winners = join_all((0..5).map(change)).await.into_iter().filter(|won| *won).count();
        assert_eq!(winners, 1, "version {version}");
    }
    assert!(!store.put_offender(&offender("192.0.2.1", 9, None), at(0)).await.unwrap(), "nobody knows versions that aren't there yet");
    assert!(!store.put_offender(&offender("192.0.2.2", 2, None), at(0)).await.unwrap());
    assert_eq!(store.offender("192.0.2.1").await.unwrap().unwrap().version, 3);
}

async fn only_who_is_blocked_now_is_listed_the_latest_first(store: Store) {
    assert_eq!(store.blocked(at(0)).await.unwrap(), []);
    let known = [
        offender("192.0.2.1", 1, Some((0, 900))),
        offender("192.0.2.2", 1, Some((10, 500))),
        offender("192.0.2.3", 1, None),
        offender("192.0.2.4", 1, Some((5, 100))),
    ];
    for offender in &known {
        assert!(store.put_offender(offender, at(0)).await.unwrap());
    }
    assert_eq!(store.blocked(at(99)).await.unwrap(), [known[1].clone(), known[3].clone(), known[0].clone()]);
    assert_eq!(store.blocked(at(100)).await.unwrap(), [known[1].clone(), known[0].clone()]);
    assert_eq!(store.blocked(at(900)).await.unwrap(), []);
}

async fn a_forgotten_address_is_new_again(store: Store) {
    assert!(!store.forget_offender("192.0.2.1").await.unwrap());
    assert!(store.put_offender(&offender("192.0.2.1", 1, Some((0, 900))), at(0)).await.unwrap());
    assert!(store.forget_offender("192.0.2.1").await.unwrap());
    assert_eq!((store.offender("192.0.2.1").await.unwrap(), store.blocked(at(0)).await.unwrap()), (None, vec![]));
    assert!(store.put_offender(&offender("192.0.2.1", 1, None), at(0)).await.unwrap());
}
