//! What a URL says of how to connect: where to, with which certificates, and as whom.

use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// Amazon's own certificate authorities; see the head of the file.
const RDS_BUNDLE: &str = include_str!("../../../../infra/rds-global-bundle.pem");

/// How to connect.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) options: PgConnectOptions,
    /// Signed in with a token of AWS instead of a password.
    pub(super) iam: bool,
    /// Where the host says that it is, if it is one of RDS.
    pub(super) region: Option<String>,
}

impl Target {
    /// Reads a URL. Beside the driver's own parameters there is `iam=true`. A host of RDS is connected to by TLS with its certificate and
    /// name checked, unless `sslmode` says otherwise: RDS has authorities of its own, and RDS Proxy those of the web.
    ///
    /// # Errors
    /// Say what is wrong with the URL and show nothing of it.
    pub(super) fn read(url: &str) -> Result<Self, String> {
        let (url, iam) = without_iam(url)?;
        let mut options: PgConnectOptions = url.parse().map_err(|error: sqlx::Error| error.to_string())?;
        let said = |names: &[&str]| parameters(&url).any(|parameter| parameter.split_once('=').is_some_and(|(name, _)| names.contains(&name)));
        let region = rds_region(options.get_host()).map(str::to_owned);
        if !said(&["sslmode", "ssl-mode"]) && (region.is_some() || iam) {
            options = options.ssl_mode(PgSslMode::VerifyFull);
        }
        if let Some(region) = region.as_deref().filter(|_| !said(&["sslrootcert", "ssl-root-cert", "ssl-ca"])) {
            options = options.ssl_root_cert_from_pem(authorities(region).into_bytes());
        }
        if iam && !matches!(options.get_ssl_mode(), PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull) {
            return Err("`iam=true` takes TLS: leave `sslmode` out".into());
        }
        // RDS Proxy doesn't know `extra_float_digits`.
        Ok(Target { options: options.extra_float_digits(None), iam, region })
    }
}

fn parameters(url: &str) -> impl Iterator<Item = &str> {
    url.split_once('?').map_or("", |(_, query)| query).split('&').filter(|parameter| !parameter.is_empty())
}

/// Our own parameter is none of the driver's.
fn without_iam(url: &str) -> Result<(String, bool), String> {
    let mut iam = false;
    let mut others = Vec::new();
    for parameter in parameters(url) {
        match parameter.split_once('=') {
            Some(("iam", "true")) => iam = true,
            Some(("iam", "false")) => iam = false,
            Some(("iam", _)) => return Err("`iam` is `true` or `false`".into()),
            _ => others.push(parameter),
        }
    }
    let place = url.split_once('?').map_or(url, |(place, _)| place);
    Ok((if others.is_empty() { place.to_owned() } else { format!("{place}?{}", others.join("&")) }, iam))
}

/// `eu-west-1` of `name.id.eu-west-1.rds.amazonaws.com`; in China `rds` stands before the region.
fn rds_region(host: &str) -> Option<&str> {
    let host = host.trim_end_matches('.');
    let last = |labels: &str| labels.rfind('.').map(|dot| dot + 1);
    if let Some(labels) = host.strip_suffix(".rds.amazonaws.com").or_else(|| host.strip_suffix(".rds.amazonaws.com.cn")) {
        return last(labels).map(|start| &labels[start..]);
    }
    let labels = host.strip_suffix(".amazonaws.com.cn")?;
    let start = last(labels)?;
    labels[..start].ends_with(".rds.").then(|| &labels[start..])
}

/// The authorities of one region: three instead of ninety to be read for each connection. None for a region that is newer than the file.
fn authorities(region: &str) -> String {
    let subject = format!("# Amazon RDS {region} Root CA ");
    RDS_BUNDLE.split("\n\n").filter(|entry| entry.starts_with(&subject)).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const INSTANCE: &str = "db.abc123.eu-west-1.rds.amazonaws.com";

    #[test]
    fn hosts_of_rds_are_checked_unless_the_url_says_otherwise() {
        for (url, mode) in [
            (format!("postgres://ann@{INSTANCE}/a2a"), PgSslMode::VerifyFull),
            (format!("postgres://ann@{INSTANCE}/a2a?sslmode=require"), PgSslMode::Require),
            ("postgres://ann@proxy.proxy-abc.us-east-2.rds.amazonaws.com/a2a?application_name=x".into(), PgSslMode::VerifyFull),
            ("postgres://ann@db.abc.rds.cn-north-1.amazonaws.com.cn/a2a".into(), PgSslMode::VerifyFull),
            ("postgres://ann@db.abc.cn-north-1.rds.amazonaws.com.cn/a2a".into(), PgSslMode::VerifyFull),
            ("postgres://ann@rds.amazonaws.com.example.com/a2a".into(), PgSslMode::Prefer),
            ("postgres://ann@db.example.com/a2a".into(), PgSslMode::Prefer),
            ("postgres://ann@db.example.com/a2a?sslmode=verify-full".into(), PgSslMode::VerifyFull),
            ("postgres://ann@db.example.com/a2a?iam=true".into(), PgSslMode::VerifyFull),
        ] {
            assert_eq!(format!("{:?}", Target::read(&url).unwrap().options.get_ssl_mode()), format!("{mode:?}"), "{url}");
        }
    }

    #[test]
    fn the_region_is_in_the_host() {
        assert_eq!(rds_region(INSTANCE), Some("eu-west-1"));
        assert_eq!(rds_region("db.abc.rds.cn-north-1.amazonaws.com.cn"), Some("cn-north-1"));
        for host in ["localhost", "rds.amazonaws.com", "db.example.com", "ec2.cn-north-1.amazonaws.com.cn"] {
            assert_eq!(rds_region(host), None, "{host}");
        }
    }

    #[test]
    fn a_region_has_its_three_authorities() {
        for region in ["eu-west-1", "us-east-1", "ap-southeast-5"] {
            assert_eq!(authorities(region).matches("-----BEGIN CERTIFICATE-----").count(), 3, "{region}");
        }
        assert_eq!(authorities("mars-north-1"), "");
        assert_eq!(RDS_BUNDLE.matches("-----BEGIN CERTIFICATE-----").count(), 90);
    }

    #[test]
    fn iam_is_no_business_of_the_driver_and_never_goes_without_tls() {
        assert_eq!(without_iam("postgres://h/d?a=b&iam=true&c=d").unwrap(), ("postgres://h/d?a=b&c=d".into(), true));
        assert_eq!(without_iam("postgres://h/d?iam=false").unwrap(), ("postgres://h/d".into(), false));
        assert!(without_iam("postgres://h/d?iam=yes").is_err());
        for mode in ["disable", "allow", "prefer"] {
            assert!(Target::read(&format!("postgres://ann@{INSTANCE}/a2a?iam=true&sslmode={mode}")).is_err(), "{mode}");
        }
    }
}
