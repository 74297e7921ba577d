//! A shared secret that can be compared without telling how much of a guess was right.

use ring::{digest, hmac};
use subtle::ConstantTimeEq;

/// The digest of a secret: all that is kept of it, and equally long for every secret.
#[derive(Clone)]
pub(crate) struct Secret(digest::Digest);

impl Secret {
    pub(crate) fn new(text: &str) -> Self {
        Secret(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    pub(crate) fn is(&self, guess: &Secret) -> bool {
        self.0.as_ref().ct_eq(guess.0.as_ref()).into()
    }
}

/// The digest of a text in lowercase hexadecimal digits.
pub(crate) fn hex_digest(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digest = digest::digest(&digest::SHA256, text.as_bytes());
    digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

/// A key for another purpose: whoever has it can't compute the secret, nor the key of any other purpose.
pub fn derived_key(secret: &str, purpose: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), purpose.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_text_is_the_secret() {
        let secret = Secret::new("correct horse");
        assert!(secret.is(&Secret::new("correct horse")));
        assert!(!secret.is(&Secret::new("correct hors")));
        assert!(!secret.is(&Secret::new("")));
    }
}
