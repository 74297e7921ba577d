//! What no client can make the server call, as a table.

use engine::ports::{WebhookError, WebhookRequest, WebhookSender};
use webhook::ReqwestWebhookSender;

const REFUSED: &[&str] = &[
    // Not http, or not a URL.
    "",
    "webhook",
    "/hook",
    "//example.com/hook",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com:6379/_INFO",
    "data:text/plain,x",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "ws://example.com/",
    "http://",
    "http://[",
    "http://example.com:99999/",
    "http://exa mple.com/",
    // Credentials, odd ports, length.
    "http://user@example.com/",
    "http://user:password@example.com/",
    "https://:password@example.com/",
    "http://example.com:0/",
    "http://example.com:22/",
    "http://example.com:25/",
    "https://example.com:465/",
    "http://example.com:3306/",
    "http://example.com:6379/",
    "http://example.com:11211/",
    "http://example.com:-1/",
    "http://example.com:80a/",
    // This machine.
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://localhost./",
    "http://a.localhost/",
    "http://localhost.localdomain/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://127.0.0.1./",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://017700000001/",
    "http://127.0.0.1:9090/metrics",
    "http://%31%32%37.0.0.1/",
    "http://１２７.０.０.１/",
    "http://①②⑦.0.0.1/",
    "http://127。0。0。1/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://0/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http:\\\\127.0.0.1\\",
    "http:127.0.0.1",
    "http://example.com@127.0.0.1/",
    "http://example.com%40127.0.0.1/",
    "http://127.0.0.1#@example.com/",
    "http://127.0.0.1?@example.com/",
    "http://127.0.0.1\\@example.com/",
    "http://example.com:80@127.0.0.1/",
    "\thttp://127.0.0.1/",
    "http://127.0.0.1\t/",
    "http:/\\127.0.0.1/",
    "http:///127.0.0.1/",
    "HTTP://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://loc\u{ad}alhost/",
    "http://localhost\u{3002}/",
    "http://0000::1/",
    "http://0x7f.0x0.0x0.0x1/",
    "http://00000177.0.0.1/",
    "http://127.0.1/",
    "http://127.0.00000000000000001/",
    "http://4294967297/",
    "http://256.256.256.256/",
    "http://1.2.3.4.5/",
    // Names that lead inside wherever they are looked up.
    "http://metadata/",
    "http://redis:8080/",
    "http://postgres/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://METADATA.GOOGLE.INTERNAL./",
    "http://instance-data.ec2.internal/",
    "http://host.docker.internal:8080/",
    "http://kubernetes.default.svc.cluster.local/",
    "http://printer.local/",
    "http://router.lan/",
    "http://nas.home.arpa/",
    "http://wiki.corp/",
    // Networks behind the server.
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://0xc0a80001/",
    "http://3232235521/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://[fc00::1]/",
    "http://[fd12:3456::1]/",
    "http://[fe80::1]/",
    "http://169.254.1.1/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fec0::1]/",
    // Metadata services.
    "http://169.254.170.2/v2/credentials/",
    "http://169.254.170.23/v1/credentials",
    "http://[fd00:ec2::23]/",
    "http://[fd00:ec2:0:0:0:0:0:fe]/",
    "http://169.254.169.253/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://169.0xfea9fe/",
    "http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://[fd00:ec2::254]/",
    "http://168.63.129.16/",
    "http://192.0.0.192/",
    // IPv4 inside IPv6.
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:8.8.8.8]/",
    "http://[::127.0.0.1]/",
    "http://[::a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[64:ff9b::169.254.169.254]/",
    "http://[64:ff9b:1::a00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[2001:0:7f00:1::]/",
    "http://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[0:0:0:0:0:ffff:0a00:0001]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:c0a8:101::1]/",
    // Multicast, broadcast, reserved, documentation.
    "http://224.0.0.1/",
    "http://239.255.255.250:1900/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[100::1]/",
];

fn request(url: &str) -> WebhookRequest {
    WebhookRequest { url: url.into(), headers: vec![], body: "{}".into() }
}

#[tokio::test]
async fn hostile_urls_are_refused_when_configured_and_when_called() {
    let sender = ReqwestWebhookSender::new(false);
    assert!(REFUSED.len() >= 140, "{}", REFUSED.len());
    for url in REFUSED {
        assert!(matches!(sender.check(url), Err(WebhookError::Refused { .. })), "check lets {url} pass");
        assert!(matches!(sender.post(request(url)).await, Err(WebhookError::Refused { .. })), "post lets {url} pass");
    }
}

#[test]
fn overlong_urls_are_refused() {
    let url = format!("http://example.com/{}", "a".repeat(4096));
    assert!(ReqwestWebhookSender::new(false).check(&url).is_err());
}

#[test]
fn ordinary_urls_are_accepted_without_a_lookup() {
    let sender = ReqwestWebhookSender::new(false);
    for url in [
        "https://hooks.example.com/a2a?token=x#y",
        "http://example.com:8080/hook",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://müller.example/",
        "http://10.example.com/",
        "http://localhost.example.com/",
        "https://name-that-does-not-resolve.invalid/",
    ] {
        assert_eq!(sender.check(url), Ok(()), "{url}");
    }
}

#[test]
fn the_setting_admits_this_machine_at_any_port_and_no_other() {
    let sender = ReqwestWebhookSender::new(true);
    for url in ["http://127.0.0.1:9/", "http://localhost:22/", "http://[::1]:6379/", "http://a.localhost:3000/"] {
        assert_eq!(sender.check(url), Ok(()), "{url}");
    }
    for url in ["http://127.0.0.1:0/", "http://10.0.0.1:8080/", "http://redis:8080/", "http://example.com:22/", "http://[::ffff:127.0.0.1]:8080/"] {
        assert!(sender.check(url).is_err(), "{url}");
    }
}

#[test]
fn a_refusal_says_why() {
    let refusal = |url| ReqwestWebhookSender::new(false).check(url).unwrap_err().to_string();
    assert_eq!(refusal("http://0x7f.1/"), "the webhook URL is refused: `127.0.0.1` is a loopback address");
    assert_eq!(refusal("http://u:p@example.com/"), "the webhook URL is refused: it carries credentials");
    assert_eq!(refusal("ftp://example.com/"), "the webhook URL is refused: `ftp` is neither http nor https");
}
