//! Spares the rules what is plainly innocent: ordinary names, titles and headers, told by one pass over characters and words.
//!
//! It errs to one side only: what it doubts is searched.

use super::Features;

/// Longer words are none of those below.
const LONGEST_WORD: usize = 20;

/// Never innocent, wherever they stand; sorted.
#[rustfmt::skip]
const SUSPICIOUS: &[&str] = &[
    "alert", "atob", "attach", "attr", "authorized_keys", "autofocus", "backup", "banner", "bash", "behavior", "benchmark", "bin", "binding",
    "boot", "certutil", "cgi", "chmod", "cmd", "collate", "conf", "config", "confirm", "constructor", "crontab", "curl", "databases", "dba_users", "dbms",
    "declare", "dev", "docker", "document", "dual", "dumpfile", "etc", "eval", "exec", "execute", "expression", "fetch", "frames", "function",
    "globals", "grant", "having", "href", "htaccess", "htpasswd", "id_rsa", "iex", "ifconfig", "import", "include", "inetpub", "inf", "infile",
    "information_schema", "ini", "ipconfig", "java", "kernel", "known_hosts", "kubectl", "localstorage", "location", "log", "marshal", "mkfifo",
    "mocha", "moz", "navigator", "nc", "ncat", "net", "netcat", "netsh", "netstat", "nslookup", "ntds", "ntuser", "ognl", "opendatasource",
    "openrowset", "opt", "os", "outfile", "pagefile", "parent", "passwd", "phpinfo", "pickle", "ping", "powershell", "print_r", "proc",
    "procedure", "process", "prompt", "prototype", "regexp", "require", "restore", "return", "revoke", "rlike", "root", "runtime", "self",
    "shadow", "shutdown", "sleep", "sqlattempt1", "sqlattempt2", "sqlvuln", "src", "ssh", "style", "subprocess", "sudo", "sys", "sysdummy1", "sysibm", "sysinfo", "system", "system32",
    "systeminfo", "tasklist", "telnet", "this", "throw", "top", "truncate", "uname", "union", "url", "useradd", "usr", "var", "waitfor", "wget",
    "whoami", "window", "windows", "winnt", "wmic", "wp", "wwwroot", "xclude", "xlink", "xmlns", "xor", "yaml",
];

/// Schemes that are never innocent; sorted.
#[rustfmt::skip]
const SCHEMES: &[&str] = &[
    "data", "dict", "ecmascript", "expect", "feed", "file", "glob", "gopher", "jar", "javascript", "jndi", "jscript", "ldap", "ldaps",
    "livescript", "mhtml", "netdoc", "nntp", "o", "object", "ogg", "phar", "php", "rar", "rmi", "sftp", "source", "ssh2", "tftp", "vbscript",
    "zip", "zlib",
];

/// Whether no rule can have anything to say. `features` are the text's.
pub(super) fn is_innocent(text: &str, features: Features) -> bool {
    use Features as F;
    if features.any(
        F::DOLLAR
            | F::BRACE
            | F::BRACKET
            | F::BACKSLASH
            | F::CONTROL
            | F::ANGLE
            | F::PERCENT
            | F::PIPE
            | F::HASH
            | F::DOTS
            | F::UNDERSCORES
            | F::HIGH,
    ) {
        return false;
    }
    let bytes = text.as_bytes();
    if bytes.first().is_none_or(|first| b".=;&|,)+*-'".contains(first)) && bytes != b"*/*" {
        return false;
    }
    // Of a directory's filters some have no other mark.
    if bytes.starts_with(b"(") && features.any(F::EQUALS) {
        return false;
    }
    // A word or two may have an apostrophe; more tear a command apart.
    if bytes.iter().filter(|byte| **byte == b'\'').count() > 2 {
        return false;
    }
    let marks_are_in_place = bytes.iter().enumerate().all(|(at, byte)| byte.is_ascii_alphanumeric() || is_in_place(bytes, at));
    marks_are_in_place && bytes.iter().filter(|byte| **byte == b'"').count().is_multiple_of(2) && words_are_innocent(bytes, features)
}

/// Whether a mark stands where prose, file names and headers have it.
fn is_in_place(bytes: &[u8], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(b' ', |at| bytes[at]);
    let after = bytes.get(at + 1).copied().unwrap_or(b' ');
    match bytes[at] {
        b' ' if bytes[at + 1..].starts_with(b"+http") => before == b';',
        b' ' => after != b' ' && !(after == b'-' && bytes.get(at + 2).is_some_and(|next| *next != b' ')) && !(b"/+@=*'".contains(&after)),
        b'\'' => before.is_ascii_alphabetic() && after.is_ascii_alphabetic(),
        b'"' => (after.is_ascii_alphanumeric() && b" =/(,".contains(&before)) || (before.is_ascii_alphanumeric() && b" ;,)".contains(&after)),
        b'(' => before == b' ' && (after.is_ascii_alphanumeric() || bytes[at + 1..].starts_with(b"+http")),
        b')' => (before.is_ascii_alphanumeric() || before == b'.') && b" ,;.".contains(&after),
        b'*' => before == b'/' && b" ,;".contains(&after) || after == b'/' && bytes.get(at + 2) == Some(&b'*') && b" ,".contains(&before),
        b'=' => before.is_ascii_alphanumeric() && (after.is_ascii_alphanumeric() || after == b'"'),
        b'/' => {
            after.is_ascii_alphanumeric()
                || after == b'*'
                || (after == b'/' && before == b':')
                || (before == b'/' && at >= 2 && bytes[at - 2] == b':')
                || bytes[at + 1..].starts_with(b".well-known/")
                // A path that ends, and the weak form of a version's tag.
                || (at + 1 == bytes.len() && (at == 0 || before.is_ascii_alphanumeric()))
                || (bytes.starts_with(b"W/\"") && at == 1)
        }
        b'-' => after != b'-',
        b'@' => before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric(),
        b'+' => after.is_ascii_alphanumeric() && !ends_in_dash(&bytes[at + 1..]),
        b':' => after != b':' && !b"'\"(".contains(&after),
        b'?' => (before.is_ascii_alphanumeric() && (after == b' ' || after.is_ascii_alphanumeric())) || bytes == b"?0" || bytes == b"?1",
        b'!' => before.is_ascii_alphanumeric() && after == b' ',
        b';' | b'&' => (after == b' ' && at + 1 < bytes.len()) || after.is_ascii_alphanumeric(),
        b'.' | b',' => after != b'/' && after != b'?',
        b'_' => true,
        _ => false,
    }
}

/// Whether it may be UTF-7.
fn ends_in_dash(bytes: &[u8]) -> bool {
    let length = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'/').count();
    bytes.get(length) == Some(&b'-')
}

fn words_are_innocent(bytes: &[u8], features: Features) -> bool {
    use Features as F;
    let (mut first, mut second, mut condition, mut number) = (false, false, false, false);
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        if length == 0 {
            at += 1;
            continue;
        }
        let word = &bytes[at..at + length];
        let before = at.checked_sub(1).map_or(b' ', |at| bytes[at]);
        let after = bytes.get(at + length).copied().unwrap_or(b' ');
        number |= word[0].is_ascii_digit();
        // What follows a separator may be a command, unless it is given a value.
        let separated = b";&".contains(&before) || (before == b' ' && at >= 2 && b";&".contains(&bytes[at - 2]));
        let of_a_client = || word[0].is_ascii_uppercase() || [&b"x64"[..], b"rv", b"linux"].contains(&word);
        if separated && after != b'=' && !(before == b' ' && bytes[at - 2] == b';' && of_a_client()) {
            return false;
        }
        if word.starts_with(b"0x") || (after == b'=' && word.len() > 2 && word[..2].eq_ignore_ascii_case(b"on")) {
            return false;
        }
        if length <= LONGEST_WORD {
            let mut lower = [0; LONGEST_WORD];
            lower[..length].copy_from_slice(word);
            lower[..length].make_ascii_lowercase();
            let word = std::str::from_utf8(&lower[..length]).unwrap_or_default();
            if (SUSPICIOUS.binary_search(&word).is_ok() && !is_of_a_host_or_client(word, before, &bytes[at + length..]))
                || (after == b':' && SCHEMES.binary_search(&word).is_ok())
                || (word.contains('_') && is_of_a_server(word))
            {
                return false;
            }
            number |= matches!(word, "true" | "false");
            match word {
                "or" | "and" | "xor" | "not" | "if" | "when" | "where" => condition = true,
                "select" | "insert" | "update" | "delete" | "drop" | "alter" | "create" | "order" | "group" | "load" | "copy" | "bulk" | "set"
                | "case" | "into" | "limit" | "prepare" | "rename" => first = true,
                "from" | "by" | "table" | "database" | "schema" | "view" | "index" | "user" | "role" | "login" | "trigger" | "column" | "values"
                | "all" | "distinct" | "null" | "then" | "offset" | "alias" => second = true,
                _ => {}
            }
        } else if is_of_a_server(&String::from_utf8_lossy(word).to_ascii_lowercase()) {
            return false;
        }
        at += length;
    }
    let condition_on_something = condition && (number || features.any(F::QUOTE | F::EQUALS | F::STAR));
    !(condition_on_something || (first && (second || number || features.any(F::PAREN | F::STAR | F::EQUALS | F::QUOTE | F::AT))))
}

/// `example.net`, and the systems that browsers say they run on.
fn is_of_a_host_or_client(word: &str, before: u8, rest: &[u8]) -> bool {
    match word {
        "net" => before == b'.' && (!rest.starts_with(b" ") || rest.starts_with(b" (")),
        "os" => before == b' ' && !rest.starts_with(b"."),
        "curl" | "wget" => before == b' ' && matches!(rest, [b'/', digit, ..] if digit.is_ascii_digit()),
        "java" => before == b' ' && rest.starts_with(b"-http-client/"),
        "windows" => (before == b'(' && rest.starts_with(b" NT ")) || (before == b'"' && rest == b"\""),
        _ => false,
    }
}

/// Names that databases give to what is their own.
fn is_of_a_server(word: &str) -> bool {
    [
        "xp_",
        "sp_",
        "pg_",
        "utl_",
        "dbms_",
        "sys",
        "sqlite_",
        "information_schema",
        "all_tab",
        "user_tab",
        "group_concat",
        "concat_ws",
        "current_user",
        "session_user",
        "system_user",
    ]
    .iter()
    .any(|prefix| word.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_because_they_are_sorted() {
        assert!(SUSPICIOUS.is_sorted() && SCHEMES.is_sorted());
        assert!(SUSPICIOUS.iter().all(|word| word.len() <= LONGEST_WORD));
    }

    #[test]
    fn ordinary_names_and_headers_are_spared() {
        for text in [
            "Create a report",
            "public health",
            "O'Reilly",
            "Annual report (final)",
            "application/json",
            "application/json; charset=utf-8",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "*/*",
            "python-httpx/0.28.1",
            "gzip, deflate, br",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
            "https://example.com/hooks/a2a",
            "/tasks/0190c7a2-6f0e-7c3e-9a54-3a1f0b6d2c11:cancel",
            "/",
            "/acme/",
            "/.well-known/agent-card.json",
            "https://app.example.com/agents?tab=list",
            "W/\"67ab43\"",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Java-http-client/17.0.11",
        ] {
            let innocent = is_innocent(text, Features::of(text));
            assert!(innocent, "{text}");
        }
    }
}
