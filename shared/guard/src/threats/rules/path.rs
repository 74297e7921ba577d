//! Ways out of a folder, and files that are nobody's business.

use super::Rule;
use crate::threats::Kind::PathTraversal as Path;

pub(super) const RULES: &[Rule] = &[
    (Path, 8, "a step up from a folder", r"(?:^|[^.])\.\.[/\\]|[/\\=]\.\.(?:$|[/\\?#;&%])|^\.\.$|\.\.;[/\\]|(?:^|[^\w.])\.\.0x[25]f"),
    (
        Path,
        8,
        "a step up from a folder, disguised",
        r"\.{2,}[/\\]{1,}\.{2,}|\.{4,}[/\\]|(?:^|[/\\])\.{3,}[/\\]|\.[/\\]\.\.|\.\.\.\.[\\/]{2}|[/\\]\.[/\\]\.[/\\]\.|\.\.[|,]|\.\?[/\\]\.\?|(?:\.|\?|0x2e){2}(?:0x(?:2f|5c)|2f|5c|%bg%qf|[/\\]\S*[/\\.])|\.\.[uc]\d[0-9a-f]{2,4}|\.\.bg%?|(?:^|[/\\])\.%?00\.",
    ),
    (
        Path,
        8,
        "a file of the system",
        r"[/\\]etc[/\\.]+(?:passwd|shadow|hosts|group|gshadow|issue|motd|fstab|crontab|sudoers|ssh|ssl|apache2?|httpd|nginx|mysql|my\.cnf|php|resolv|hostname|network|profile|bashrc|environment|services|inetd|xinetd|redis|rc\.|init|master\.passwd|security|release|os-release|lsb-release|vsftpd|proftpd|samba|snmp|ldap|exports|mtab|aliases|cron|pam|kubernetes|docker|\w+\.conf)|[/\\]proc[/\\](?:self|version|cpuinfo|meminfo|mounts|cmdline|net|sched_debug|\d+|1)\b|[/\\]var[/\\](?:log|www|run|lib|mail|spool|backups)[/\\]|[/\\]dev[/\\](?:null|random|urandom|zero|tcp|fd|stdin|shm|mem)\b|[/\\]root[/\\]|[/\\]home[/\\]\w+[/\\]\.\w+|[/\\]usr[/\\]local[/\\](?:apache2?|etc|php|nginx|www)|[/\\]opt[/\\](?:lampp|xampp|tomcat)|[/\\]sys[/\\](?:class|kernel)|[/\\]run[/\\]secrets",
    ),
    (
        Path,
        8,
        "a file of Windows",
        r"\b(?:boot|win|system|php|my|desktop|unattend(?:ed)?|sysprep)\.ini\b|\bunattend(?:ed)?\.xml\b|[/\\]windows[/\\]|[/\\]winnt[/\\]|\bsystem32\b|\bntuser\.dat\b|\bpagefile\.sys\b|\bautoexec\.bat\b|\binetpub\b|\bwwwroot\b|\bntds\.dit\b|[/\\]repair[/\\]sam\b|\bc:[/\\]{1,2}(?:boot|windows|winnt|inetpub|xampp|wamp|sysprep|users[/\\]administrator)|^[/\\]{2}\S+[/\\]\S+\$?|^\\\\[\w.?-]+\\|(?:^|[^:/\w])[/\\]{2}\d+\.\d+\.\d+\.\d+[/\\]",
    ),
    (
        Path,
        7,
        "a file of secrets",
        r"(?:^|[/\\])\.(?:ssh|aws|git|svn|hg|env|htaccess|htpasswd|bash_history|bashrc|profile|netrc|npmrc|pypirc|dockercfg|docker|kube|gnupg|mysql_history|pgpass|ds_store|viminfo|wgetrc|zsh_history|azure|config[/\\]gcloud)(?:$|[/\\.;?#\s])|\bid_(?:rsa|dsa|ecdsa|ed25519)\b|\bauthorized_keys\b|\bknown_hosts\b|\bwp-config\.php\b|\bweb\.config\b|\b(?:web|meta)-inf\b|\bapplicationhost\.config\b|\bconfig\.inc\.php\b|\blocalsettings\.php\b|\bconfiguration\.php\b|\bcatalina\.(?:out|policy)\b|\btomcat-users\.xml\b|\bserver\.xml\b|[/\\]access[._]log\b|[/\\]error[._]log\b|\bhttpd\.conf\b|\bphp\.ini\b|\bglobal\.asa\b|\bmachine\.config\b",
    ),
    (
        Path,
        8,
        "a scheme that reads files",
        r"\b(?:file|netdoc|gopher|dict|phar|zip|zlib|glob|expect|ogg|rar|ssh2|php|sftp|tftp|jar|compress\.\w+|local_file|ldapi|nntp)\s*:(?://|\\\\|file|http|/)|\bdata:(?://)?text/plain\b|\bfile:(?:/|c:)|\burl:file\b",
    ),
    (Path, 7, "a folder of the server", r"(?:^|[/\\])cgi-bin[/\\]|(?:^|[/\\])\.\.?$|[/\\]\.(?:[/\\]\.)+[/\\]"),
];
