//! What a shell or an interpreter would run.

use super::Rule;
use crate::threats::Kind::CommandInjection as Command;

pub(super) const RULES: &[Rule] = &[
    // Commands whose names are no words of English.
    (
        Command,
        8,
        "a separator, then a command",
        r#"(?:[;|&\n`]|\\[nr]|^[\x22\x27]\s|\$\(|<\(|>\(|\|\||&&|^[!|;&]|\bxargs\s|\bsudo\s|\bexec\s|\$\{?ifs\}?)[\s({!'"]*(?:/?(?:usr/)?(?:local/)?s?bin/)?(?:ls|cat|whoami|uname|pwd|ping6?|nslookup|dig|curl|wget|nc|ncat|netcat|bash|sh|zsh|ksh|csh|tcsh|dash|python[23]?|perl|ruby|php|node|printf|chmod|chown|chgrp|chattr|ps|env|printenv|ifconfig|netstat|hostname|ipconfig|systeminfo|cmd|cmd\.exe|powershell|pwsh|wmic|tasklist|certutil|bitsadmin|mshta|rundll32|regsvr32|cscript|wscript|grep|egrep|awk|gawk|sed|tac|xxd|hexdump|base64|tee|xargs|sudo|ssh|scp|sftp|telnet|tftp|useradd|usermod|adduser|passwd|reboot|poweroff|killall|pkill|nohup|crontab|docker|kubectl|mkfifo|mknod|socat|openssl|gcc|lynx|traceroute|tracert|arp|lsof|strings|dd|fdisk|mkfs|busybox|iptables|systemctl|journalctl|dmesg|mysqldump|mysql|psql|sqlite3|redis-cli|git|svn|apt-get|apt|yum|pip3?|npm|gdb|vi|vim|nano|ed|stat|du|df|uptime|rm|rmdir|cp|mv|mkdir|ln|nmap|tcpdump|screen|tmux|readlink|realpath|basename|xcopy|robocopy|attrib|cacls|icacls|schtasks|taskkill|netsh|nltest|dsquery|qwinsta|quser|getent|lscpu|lsblk|sysctl|which|whereis|sleep|wc|cut|fmt|pr|nl|od|tr|cd|del|jobs|locale|alias|unalias|history|mount|umount|pstree|vmstat|awk|route|compgen|declare|mapfile|zcat|bzip2|gzip|gunzip|tar|zip|unzip|7z|ftp|rcp|rsync|aws|gcloud|az|ulimit|lastlog|ifup|insmod|lsmod|phpinfo)(?:[\s;|&<>`)'"}$\\,%#]|$)"#,
    ),
    // Commands that are words as well: only with what makes them commands.
    (
        Command,
        7,
        "a separator, then a word that is a command",
        r#"(?:[;|&\n`]|\\[nr]|\$\(|\|\||&&)\s*(?:/?(?:usr/)?s?bin/)?(?:id|echo|find|sort|time|last|head|tail|more|less|type|set|at|mail|who|w|kill|net|source|touch|rev|uniq|ip|ss|dir|ver|date|test|export|read|reg|start|file|split|host|finger|exit|true|false|shutdown|halt|init|cal|nice|timeout|watch|install|make|man|su|link|unlink|look|paste|join|at|expr|let|eval|exec|copy|move|ren|erase|format|call|sc|title|path|query|logname|groups|users)(?:\s*[;|&<>`)}\\]|\s*['"]\s*$|\s*#|\s+-{1,2}[a-z0-9]|\s+/[a-z]|\s+[$%~*"'`\\.{]|\s+[a-z]:|\s+\d+\s*(?:$|[;|&>])|\s+\w+\s*(?:$|[;|&>`)])|\$ifs|\$\{ifs|%\w+%|\s+https?:|<|\{)"#,
    ),
    (
        Command,
        7,
        "a separator, then a short command",
        r"(?:[;|&\n`]|\\[nr]|\$\(|\|\||&&)\s*(?:/?(?:usr/)?s?bin/)?(?:id|dir|ver|who|w|logname|echo|shutdown|halt|sysinfo)(?:\s|\\[nr])*$|[;|&\n`]{1,2}(?:id|time|date|last|mail|set|test|type|sort|find|more|exit|true|kill|net|at|source)\s*$",
    ),
    (
        Command,
        8,
        "a command with its option",
        r"\b(?:bash|sh|zsh|ksh|dash)\s+-[ciel]\b|\b(?:nc|ncat|netcat)(?:\.exe|\.traditional)?\s+(?:-\w+|\d+\.\d+)|\b(?:python[23]?|perl|ruby|php|node|lua)\s+-(?:c|e|r|rsocket|m)\b|\bpowershell(?:\.exe)?\s+(?:-|/|iex|invoke|get|start|\()|\bcmd(?:\.exe)?\s*/[ckq]|\b(?:wget|curl)(?:\.exe)?\s+(?:-\S+\s+)*(?:https?:|ftp:|\S+\.\S+/|\d+\.\d+|-\S)|\brm\s+-\w*[rf]\b|\bchmod\s+(?:-r\s+)?(?:[0-7]{3,4}|[ugoa]*\+[rwxst]+)\b|\bping6?\s+(?:-[a-z]\s*\d+|\d+\.\d+)|\buname\s+-\w+|\bls\s+-[a-z]+|\bls\s+/|\bcat\s+(?:/|\.\.|\$|-|<)|\bnet\s+(?:user|localgroup|group|share|view|use)\s*(?:$|[/\\&;|]|\S+\s.*/(?:add|domain|active|delete))|\btype\s+(?:c:|%|\\)|\bdir\s+(?:c:|/[a-z]\b|\\)|\bcertutil\b|\bbase64\s+(?:-d|--decode|-w)|\bps\s+(?:-?aux|-ef)|\bnetstat\s+-\w|\bifconfig\s+-a|\bfind\s+/\s|\bgrep\s+-\w+\s|\becho\s+-[ne]\b|\bmkfifo\s|\bnslookup\s+\S+\.\S+|\bdig\s+(?:@|\S+\.\S+)|\bcrontab\s+-|\bcp\s+/|\bmv\s+/|\btar\s+[cx]|\bdd\s+if=|\bssh\s+-|\btftp\s+-|\bsleep\s+\d+\s*(?:[;|&#`)]|$)|\btimeout\s+/t|\bwmic\s+\w+|\bschtasks\s+/|\breg\s+(?:add|query|save)\b|\bkill\s+-\d|\buseradd\s|\bxterm\s+-|\btelnet\s+\d",
    ),
    (
        Command,
        8,
        "a substitution",
        r"\$\(\s*(?:[a-z/_<(]|\$)|`\s*(?:/?(?:usr/)?s?bin/)?(?:id|ls|whoami|cat|uname|pwd|sleep|ping|curl|wget|nslookup|dig|echo|ps|env|date|hostname|touch|bash|sh|python\w*|perl|php|nc|net|dir|type|find|grep|ifconfig|ipconfig|netstat|base64|printf|rm|which|w|who)\b[^`]*`|\$\{?ifs\b|\$\{(?:path|home|shell|ld_preload|hostname|user)\b[:#%]|<\(\s*\w+[\s)]|^\W+sleep\s+\d+\W*$",
    ),
    (
        Command,
        8,
        "a shell or its files",
        r"/bin/(?:ba|z|k|c|tc|da|a)?sh\b|/dev/(?:tcp|udp)/|/usr/bin/\w+\s|/bin/(?:cat|ls|id|nc|ping|sleep|echo|uname|rm|chmod|busybox|netcat|ps|pwd|whoami)\b|/usr/bin/(?:id|whoami|wget|curl|perl|python\w*|env|find|nc)\b|\bcmd\.exe\b|\bpowershell\.exe\b|\bsystem32\b|\bcomspec\b|%systemroot%|%windir%|%programfiles%|%userprofile%|%path:",
    ),
    (
        Command,
        7,
        "a redirection",
        r"[0-9&]?>{1,2}\s*(?:/(?:tmp|dev|var|etc|home|root|proc|opt|usr|www)|&\s*\d|\$|c:)|<\s*/(?:etc|proc|dev|tmp|var)|\d>&\d|<<<|\|\s*tee\b|>\s*\w+\.(?:txt|php|sh|html|aspx?|jsp|log|out)\b",
    ),
    (
        Command,
        7,
        "an option that has a program run commands",
        r"(?:^|\s)-(?:-(?:output|use-askpass|to-command|checkpoint-action|upload-pack|receive-pack|rsh|rsync-path|exec-path|pager)[=\s]\s*\S|o\s*proxycommand\s*=)",
    ),
    (
        Command,
        6,
        "a variable or a pattern in place of a command",
        r"[;|&`\n]\s*\$[0@*_{]|[;|&`\n]\s*\w+\.(?:exe|bat|cmd|ps1|vbs|sh)\b|[;|&`\n]\s*(?:export|set|declare|env)\s+\w+=\S|[;|&`\n]\s*/[\w?*./-]*[?*]|^\s*\$\{?(?:user|home|path|shell|hostname|pwd|logname|ifs)\}?(?:$|[/;|&\s])|^\s*%(?:username|userprofile|pathext|comspec|appdata|temp|path|computername|userdomain)%",
    ),
    (Command, 8, "a function of shellshock", r"\(\s*\)\s*\{[^}]*[;:]|\(\)\s*\{\s*:?;?\s*\}\s*;"),
    (
        Command,
        7,
        "braces in place of spaces",
        r"\{(?:cat|ls|echo|ping|curl|wget|nc|bash|sh|id|uname|nslookup|sleep|rm|cp|touch|printf|find|grep|head|tail),[^}]+\}",
    ),
    // Interpreters.
    (
        Command,
        8,
        "a function that runs commands",
        r#"\b(?:system|shell_exec|passthru|popen|proc_open|pcntl_exec|exec|execfile|execve|execvp|spawn|spawnsync|execsync|child_process|call_user_func|create_function|preg_replace|phpinfo|show_source|highlight_file|readfile|file_get_contents|file_put_contents|include|require|include_once|require_once|assert|eval|compile|globals|base64_decode|gzinflate|str_rot13|print_r|var_dump|phpversion|die|scandir|glob|getenv|putenv)(?:\(\s*['"$)/\\_@\w]|\s+\(\s*['"$/\\@])[^)]*\)?\s*(?:[;'"`.)\]|&#]|$|\?>)|\b(?:include|require)(?:_once)?\s*['"]"#,
    ),
    (
        Command,
        8,
        "a module that runs commands",
        r"\bos\.(?:system|popen|exec\w*|spawn\w*|environ|listdir|getcwd)\b|\bsubprocess\.\w+|\bcommands\.getoutput|__import__\s*\(|\bimportlib\b|\bruntime\.getruntime|\bjava\.lang\.|\bprocessbuilder\b|\bjavax?\.script\b|\bscriptenginemanager\b|\bchild_process\b|\bprocess\.(?:mainmodule|binding|env|exit)\b|\bkernel\.(?:system|exec|open|`)|\bio\.popen\b|\bsystem\.diagnostics\b|\bprocess\.start\b|\bwscript\.shell\b|\binvoke-(?:expression|webrequest|command|restmethod)\b|\biex\s*\(|\bdownloadstring\b|\bnew-object\b|\bpty\.spawn\b|\bsocket\.socket\b|\bruntime\.exec\b|\brequire\s*\(\s*['\x22](?:child_process|fs|net|http|os|vm)\b|\bfs\.(?:readfile|writefile|readdir)\w*|\bpickle\.loads\b|\byaml\.load\b|!!python/|!ruby/|\bo:\d+:\s*[\x22{]|\brce\.|\bmarshal\.load\b|\bobject:\w+",
    ),
    (
        Command,
        6,
        "nothing but a command or a separator",
        r"^\s*(?:whoami|ifconfig|ipconfig|systeminfo|netstat|uname|netsh|tasklist|wmic|nslookup|sysinfo)(?:\s+[/-]?\w+)*\s*$|^\s*(?:;|\||\|\||&&|&|`|\$\(\)|;;|`\s*`)\s*$|^\s*[;|&]{1,2}\s*[a-z0-9_./-]{1,40}\s*[;|&]{1,2}\s*$|^\s*[|;]\s*/?[a-z]{1,20}\s*$",
    ),
];
