//! Words that are torn apart with what shells and browsers overlook: spaces in a scheme, quotes in a command.

use super::Rule;
use crate::threats::Kind::{CommandInjection as Command, Log4Shell, Xss};

pub(super) const RULES: &[Rule] = &[
    (
        Xss,
        7,
        "a torn address that is script",
        r"(?:javascript|vbscript|livescript):|data:text/html|data:image/svg\+xml|data:application/(?:x-)?javascript",
    ),
    (
        Xss,
        7,
        "a torn call of script",
        r"[(\[;,=+/>)-](?:alert|prompt|confirm|eval|expression|fromcharcode)[(\x60]|document\.(?:cookie|write|domain|location)|string\.fromcharcode|<script|<iframe|<svg|<imgsrc|:expression\(",
    ),
    (
        Command,
        7,
        "a torn command",
        r"(?:[;|&\x60]|\$\()(?:/?(?:usr/)?s?bin/)?(?:cat/|catetc|cat\$|cat<|whoami|uname-|/etc/passwd|wgethttp|curlhttp|ping-[cn]|nslookup|ls-la|ls-al|bash-[ci]|sh-[ci]|python-c|rm-rf|ncat|netcat|nc-)|/etc/passwd|/etc/shadow|/bin/(?:ba|z|k)?sh|/etc/\?+|/\?+/\?+|[;|&\x60](?:ls|cat|id|whoami|uname)(?:[/$;|&\x60-]|$)|^(?:whoami|ipconfig|ifconfig|systeminfo|catetcpasswd)|powershell-e",
    ),
    (Log4Shell, 8, "a torn lookup", r"\$\{jndi:|jndi:(?:ldaps?|rmi|dns|iiop)"),
];
