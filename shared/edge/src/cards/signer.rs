//! Signs the cards with a key that is brought at its first use.

use std::{sync::Arc, time::Duration};

use protocol::{card, types::AgentCard};
use tokio::{sync::OnceCell, time::timeout};

use super::Rendered;
use crate::signing::{SigningKey, SigningKeySource};

/// A card isn't kept back for longer: it goes out without a signature then.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Signer {
    source: Option<SigningKeySource>,
    brought: OnceCell<Brought>,
}

struct Brought {
    key: Arc<SigningKey>,
    key_set: Rendered,
}

/// Whoever keeps the key doesn't answer.
#[derive(Debug)]
pub(super) struct Away;

impl Signer {
    pub(super) fn new(source: Option<SigningKeySource>) -> Self {
        Signer { source, brought: OnceCell::new() }
    }

    /// Brings the key where there is one and it isn't there yet.
    pub(super) async fn ready(&self) -> Result<(), Away> {
        let Some(source) = self.source.as_ref().filter(|_| !self.brought.initialized()) else { return Ok(()) };
        let bring = self.brought.get_or_try_init(async || {
            let key = source().await?;
            let key_set = Rendered::new(key.key_set().to_owned());
            Ok::<_, Box<dyn std::error::Error + Send + Sync>>(Brought { key, key_set })
        });
        match timeout(PATIENCE, bring).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => {
                tracing::warn!(error = &*error, "the key for agent cards can't be read");
                Err(Away)
            }
            Err(_) => {
                tracing::warn!("the key for agent cards can't be read within {} s", PATIENCE.as_secs());
                Err(Away)
            }
        }
    }

    /// Signs with the key, if it is there.
    pub(super) fn sign(&self, card: &mut AgentCard, base_url: &str) {
        let Some(Brought { key, .. }) = self.brought.get() else { return };
        let Ok(payloads) = card::signing_payloads(card) else { return };
        let key_set_url = format!("{base_url}/.well-known/jwks.json");
        let signatures = payloads.iter().map(|payload| key.sign(payload.as_bytes(), &key_set_url));
        card.signatures = signatures.collect();
    }

    /// The public key for those who check signatures; an empty set where cards aren't signed.
    pub(super) fn key_set(&self) -> Rendered {
        self.brought.get().map_or_else(|| Rendered::new(r#"{"keys":[]}"#.to_owned()), |brought| brought.key_set.clone())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

    use super::*;

    #[tokio::test]
    async fn a_key_that_was_away_is_asked_for_again_and_then_kept() {
        let pem = SigningKey::generate_pem().unwrap();
        let asked = Arc::new(AtomicU32::new(0));
        let counted = asked.clone();
        let source: SigningKeySource = Arc::new(move || {
            let answer = if counted.fetch_add(1, SeqCst) == 0 { Err("away".into()) } else { Ok(Arc::new(SigningKey::from_pem(&pem).unwrap())) };
            Box::pin(async { answer })
        });
        let signer = Signer::new(Some(source));
        assert!(signer.ready().await.is_err());
        assert!(signer.ready().await.is_ok() && signer.ready().await.is_ok());
        assert_eq!(asked.load(SeqCst), 2);
        assert!(String::from_utf8_lossy(&signer.key_set().body).contains("P-256"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_does_not_come_is_not_waited_for() {
        let signer = Signer::new(Some(Arc::new(|| Box::pin(std::future::pending()))));
        assert!(signer.ready().await.is_err());
    }

    #[tokio::test]
    async fn without_a_key_the_set_is_empty() {
        let signer = Signer::new(None);
        assert!(signer.ready().await.is_ok());
        assert_eq!(&signer.key_set().body[..], br#"{"keys":[]}"#);
    }
}
