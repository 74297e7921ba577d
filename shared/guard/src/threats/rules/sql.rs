//! SQL that breaks out of a value, stands alone, or probes; and the operators of document databases.

use super::Rule;
use crate::threats::Kind::SqlInjection as Sql;

pub(super) const RULES: &[Rule] = &[
    // A value is closed, and something goes on.
    (
        Sql,
        8,
        "a quote closes a value and a condition follows",
        r#"(?:^|[0-9%)])['"`](?:\s+|\s*[);]+\s*)(?:or|and|xor|having|where|union|order\s+by|group\s+by|limit|procedure|into|like|rlike|regexp|between|in|is|if|case|select|insert|update|delete|drop|exec|waitfor)(?:[^a-z0-9_]|$)"#,
    ),
    (
        Sql,
        8,
        "a quote, a condition, a comparison",
        r#"['"`][\s);]*(?:or|and|xor|\|\||&&|having|where|not|if|when)[\s(!~+-]*(?:not[\s(]+)?n?['"`]*[\w.@%$-]*['"`]*(?:\([^)]*\))?['"`]?\)?\s*(?:=|<>|!=|<|>|\^|like\b|rlike\b|regexp\b|in\s*\(|is\s+(?:not\s+)?null|between\s+['"0-9]|sounds\s+like)"#,
    ),
    (
        Sql,
        8,
        "a quote, a condition, a constant",
        r#"['"`][\s);]*(?:or|and|xor|\|\||&&|having|where)[\s(!~+-]*(?:true|false|null|\d+)\s*(?:$|--|#|/\*|;|\)|'|"|`|\bor\b|\band\b|\blimit\b)"#,
    ),
    (
        Sql,
        8,
        "a quote, a condition, a function",
        r#"['"`][\s);]*(?:or|and|xor|\|\||&&|\+|having|where|-|,)[\s(!~+-]*(?:exists|select|sleep|benchmark|pg_sleep|waitfor|if|case|ascii|ord|substr\w*|mid|left|right|length|len|char|chr|count|extractvalue|updatexml|version|user|database|concat\w*|cast|convert|hex|@@\w+)\s*(?:\(|\s+when|@@|$)"#,
    ),
    (Sql, 8, "a quote, then a comment to the end", r#"['"`][\s)]*;?\s*(?:--[\s+-]*[a-z0-9]{0,8}|#[a-z0-9]{0,8}|/\*[^/]*|;?%00)\s*$"#),
    (Sql, 7, "a parenthesis or number, then a comment to the end", r"(?:\)\s*|^-?\d+\s+|;\s*)(?:--[\s+-]*|#|/\*)\s*$"),
    (Sql, 7, "two quotes with an operator between", r#"^\W*['"`]\s*(?:=|<|>|\+|-|\*|/|\^|%|&|\||&&|\|\||like|!=|<>|,|div|mod)+\s*['"`(0-9]"#),
    (Sql, 7, "a string is concatenated", r#"['"`]\s*\|\|\s*(?:['"`(]|\w+\s*\()|['"`]\s*\+\s*(?:['"(]|\w+\s*\()"#),
    (Sql, 6, "nothing but quotes and punctuation", r#"^[\s;,()%\\/#=|&*+<>\[\]{}.-]*['"`][\s'"`;,()%\\/#=|&*+<>\[\]{}.-]*$"#),
    (Sql, 6, "a number with an open quote", r#"^-?\d+\s*['"`]+[\s);,]*$|^\w+['"`]+\s*\)[\s);]*$|^\w+['"`]{2,}$"#),
    (
        Sql,
        7,
        "a quote, then a statement",
        r#"['"`]\s*\)*\s*;\s*(?:drop|select|insert|update|delete|exec|execute|declare|shutdown|waitfor|create|alter|truncate|begin|merge|commit|rollback|copy|pg_\w+|grant|dbms_\w+|return|if|use|set)\b"#,
    ),
    (
        Sql,
        7,
        "a quote, then sorting or grouping",
        r#"['"`)\d]\s*(?:order|group)\s+by\s+\(?['"`]?(?:\d+|null|\w+\.\w+|\w+\s*(?:--|#|,))|\b(?:order|group)\s+by\s+\d+\s*(?:,\s*\d+\s*)*(?:--|#|/\*|;)|^-?\d+\s+order\s+by\b"#,
    ),
    (Sql, 6, "a quote, then a pattern", r#"['"`]\s*(?:like|rlike|regexp|glob)\s*['"`(%]"#),
    // Conditions that are always true or false.
    (
        Sql,
        8,
        "a condition between numbers",
        r"(?:^|[\s()0-9;|&,])(?:or|and|xor|\|\||&&|where|having|not|if|when)[\s(+!~-]*\d[\d\s+*/.-]*(?:==?|<=>|<>|!=|like)\s*[('+~-]*\d+",
    ),
    (Sql, 6, "an inequality between numbers", r"(?:^|[\s()0-9;])(?:or|xor|\|\||&&|where|having)[\s(+!~-]*\d+\s*[<>]=?\s*\d+"),
    (
        Sql,
        8,
        "a condition between strings",
        r#"(?:^|[\s()0-9;|&'"`])(?:or|and|xor|\|\||&&|where|having|not)\s*[(]*['"`][^'"`]{0,40}['"`]\s*(?:=|<>|!=|<|>|like\b|\|\||in\b)\s*[(]*\s*['"`]"#,
    ),
    (
        Sql,
        7,
        "a condition that is a constant",
        r"(?:^|[\s()0-9;|&])(?:or|and|xor|\|\||&&)\s*\(?\s*(?:true|false|not\s+false|\d+)\s*\)?\s*(?:--|#|/\*|;|%00|limit\b)|^-?\d+\)*\s+(?:or|and|xor|\|\||&&)\s+(?:true|false|not\s+\w+|1)\s*(?:$|=)",
    ),
    (
        Sql,
        6,
        "a condition begins",
        r"^\s*(?:or|and|xor|\|\||&&|having)\s*(?:\w+|'[^']*'|\x22[^\x22]*\x22)\s*(?:=|like\s|<>)\s*\S|^\s*(?:or|and|xor)\s+(?:\d+|true|false)\s*$|^\s*order\s+by\s+\d+|\dor\d+=|^\s*(?:or|and)\s+not\b.*=|['\x22]\s*(?:or|and)\s*['\x22(]|(?:^|[\s()0-9'])(?:or|and)\s+(?:a\s*=\s*a|x\s*=\s*x|1\s*=\s*1|n\s*=\s*n|t\s*=\s*t)\b",
    ),
    (
        Sql,
        8,
        "a condition on a subquery or function",
        r"(?:^|[\s()0-9;|&])(?:or|and|xor|\|\||&&|where|having|not|=|<|>|,)\s*[(!~+-]*(?:exists\s*\(|\(?\s*select\b|sleep\s*\(|benchmark\s*\(|pg_sleep|ascii\s*\(|ord\s*\(|substr\w*\s*\(|mid\s*\(|length\s*\(\s*\w+|extractvalue\s*\(|updatexml\s*\(|ascii\s*\(|row\s*\(|if\s*\(\s*\d|json_keys\s*\(|gtid_subset\s*\(|elt\s*\(|make_set\s*\()",
    ),
    (
        Sql,
        7,
        "a parenthesis closes, and a condition follows",
        r#"^\s*['"`]?\s*\)+\s*(?:or|and|xor|\|\||&&)\s*\(*\s*['"`]?\w+['"`]?\s*(?:=|<|>|like\b)|(?:^|[\s()0-9])(?:or|and)\s*\(\s*exists\s*\)|\b(?:or|and)\s+['"]?\d+['"]?\s+between\s+['"]?\d+['"]?\s+and\s+['"]?\d"#,
    ),
    (
        Sql,
        7,
        "a comment ends, and a comparison with it",
        r#"\*/\s*=\s*\d|=\s*['"]?\w+['"]?\s*--\s*$|^\s*--\s*&\s*\w+=|^\W*\|\|\s*['"]?\d+\W*$|^-?\d+\s*[-+*/|&^]\s*(?:true|false|null)\s*$"#,
    ),
    // Queries.
    (Sql, 9, "a union of all", r"\bunion[\s(]+(?:all|distinct|distinctrow)[\s(]*select\b"),
    (
        Sql,
        9,
        "a union with a select",
        r#"\bunion[\s(]+select(?:\s*[(*\d'"@`+~!-]|\s+(?:null|char|concat\w*|user|version|database|group_concat|top|distinct|all|load_file|hex|unhex|cast|\w+\s*(?:,|\())|\s+[\w.]+\s+(?:from|into)\b|\s*$)"#,
    ),
    (Sql, 9, "a value, then a union", r#"['"`)\d]\s*\)*\s*union\b[\s(]*(?:all\b|distinct\b|select\b)"#),
    (Sql, 7, "everything is selected", r"\bselect\s*(?:all\s+|distinct\s+|top\s+\d+\s+)?\*\s*(?:from\b|,|$)|\bselect\s+count\s*\("),
    (Sql, 8, "a subquery", r"\(\s*select\s+(?:top\s+\d|[^)]*\bfrom\b|[^)]*\(|@@|\*|\d|null|'|char)|\(\s*select\("),
    (Sql, 7, "columns are selected", r#"\bselect\s+(?:distinct\s+|top\s+\d+\s+)?[\w.@$`"()*]+\s*(?:,\s*[\w.@$`"()*]+\s*)+\bfrom\s+[\w.`"\[(]+"#),
    (
        Sql,
        7,
        "accounts or the catalogue are selected from",
        r"\bselect\s+[\w.*@()'|, -]+\s+from\s+[\w.`]*(?:user|users|password|passwords|passwd|account|accounts|admin|admins|login|logins|credential|credentials|member|members|customer|customers|employee|employees|dual|sysibm\.\w+|syscat\.\w+|information_schema|sysobjects|syscolumns|sys\.\w+|pg_\w+|all_tables|user_tables|sqlite_master|sqlite_schema|tabname|tablename|table_name|secrets|tokens|orders|mysql\.\w+|master\.\w+)\b",
    ),
    (
        Sql,
        7,
        "what is secret is selected",
        r"\bselect\s+(?:username|user|password|passwd|pass|pwd|login|email|secret|token|banner|table_name|column_name|schema_name|name|version|hash)\s+from\s+\w+\s*(?:$|;|--|#|where\b|limit\b|\))",
    ),
    (
        Sql,
        7,
        "a select with a condition",
        r#"\bselect\b[^;]*\bfrom\b[^;]*\bwhere\s+[\w.`"]+\s*(?:=|<|>|!=|like\b|in\s*\(|is\s+(?:not\s+)?null|between\b)"#,
    ),
    (
        Sql,
        7,
        "a function or variable is selected",
        r"\bselect\s+(?:distinct\s+)?(?:[a-z_][\w.]*\s*\(|@@?\w+|current_user|session_user|system_user|null\b|0x[0-9a-f]+|'|\d+\s*(?:,|$|--|#|from\b|union\b|;|/|where\b))",
    ),
    (
        Sql,
        9,
        "a file is written or read",
        r"\binto\s+(?:outfile|dumpfile)\b|\bload_file\s*\(|\bload\s+data\s+(?:local\s+)?infile\b|\bopenrowset\s*\(|\bopendatasource\s*\(|\bbulk\s+insert\b|\butl_file\b|\blo_import\s*\(|\bpg_read_file\s*\(",
    ),
    // Statements.
    (
        Sql,
        8,
        "a table or database is dropped",
        r"\bdrop\s+(?:table|database|schema|view|index|procedure|function|trigger|column)\s+(?:if\s+exists\s+)?[\w.`\[]|\bdrop\s+(?:user|role|login)\s+\w+\s*(?:;|--|#|$)|\btruncate\s+table\b|\btruncate\s+\w+\s*;",
    ),
    (Sql, 7, "rows are deleted", r"\bdelete\s+from\s+[\w.`\[]+\s*(?:;|--|#|$|where\b)"),
    (Sql, 7, "rows are inserted", r#"\binsert\s+(?:ignore\s+)?into\s+[\w.`"\[]+\s*(?:\(|values\b|select\b|set\b)"#),
    (Sql, 7, "rows are updated", r"\bupdate\s+[\w.`\[]+\s+set\s+[\w.`]+\s*="),
    (
        Sql,
        7,
        "the schema is changed",
        r"\balter\s+(?:table|database|login|user|role|procedure)\s+[\w.`\[]+\s+(?:add|drop|modify|rename|set|with|change|alter|identified|enable|owner|disable)\b|\bcreate\s+(?:or\s+replace\s+)?(?:table|view|function|procedure|trigger|login|database|user|role|alias)\s+[\w.`\[]+\s*(?:\(|as\b|with\s+(?:password|login)|identified|select|;|--|begin|returns)|\brename\s+table\b|\b(?:grant|revoke)\s+(?:all|select|insert|update|delete|execute|dba)\b.*\b(?:on|to|from)\b",
    ),
    (
        Sql,
        8,
        "a statement is executed",
        r#"^\W*exec(?:ute)?\s+(?:xp|sp)\b|\bsp_password\b|(?:^|[\s,(])@@[a-z]\w*|\bsqlvuln\b|\bsqlattempt\d|\bexec(?:ute)?[\s(]+(?:master\b|xp_|sp_|immediate\b|@|\(|'|"|sys\.)|\bdeclare\s+@\w+|\bdeclare\s+\w+\s+(?:n?varchar|int|char|cursor)\b|\bshutdown\s+with\s+nowait|;\s*shutdown\s*(?:;|--|$)|\bbackup\s+database\b|\brestore\s+database\b|\battach\s+database\b|\bcopy\s+[\w(][^;]*\b(?:from|to)\s+program\b|\bset\s+@\w+\s*=|\bprepare\s+\w+\s+from\b"#,
    ),
    (
        Sql,
        8,
        "a stored procedure of the server",
        r"\bxp_(?:cmdshell|dirtree|reg\w+|fileexist|loginconfig|enumgroups|servicecontrol|availablemedia|ntsec\w*|terminate_process|\w+)\b|\bsp_(?:executesql|oacreate|oamethod|password|configure|addlogin|addsrvrolemember|makewebtask|help\w*|who\w*|tables|columns|databases|sqlexec|prepare|start_job)\b",
    ),
    (
        Sql,
        7,
        "a statement of a database's shell",
        r"(?:^|[;'])\s*show\s+(?:tables|databases|columns|grants|processlist|variables|schemas)\b|^\W*desc(?:ribe)?\s+\w+\s*;|\breplace\s+into\s+\w+\s*(?:values|\(|set|select)|\bmerge\s+into\s+\w+\s+using\b|\bcall\s+\w+\s*\(|\bset\s+(?:global|session|local)\s+\w+\s*=|\bpragma\s+\w+\s*[(=]",
    ),
    // What is asked blindly.
    (
        Sql,
        8,
        "time passes on purpose",
        r#"\b(?:pg_)?sleep\s*\(\s*['"]?(?:\d|__|\(|\w+\s*\()|\bbenchmark\s*\(\s*\d|\bwaitfor\s+(?:delay|time)\b|\bdbms_(?:pipe|lock|session|utility|xmlgen|xmlquery|ldap|java)\b|\bgenerate_series\s*\(|\brandomblob\s*\(|\bsleep\s*\(\s*\)"#,
    ),
    (
        Sql,
        8,
        "the server is asked for itself",
        r"@@(?:version|hostname|datadir|servername|version_compile_os|basedir|global|session|user|microsoftversion|spid|language|tmpdir|secure_file_priv)\b|\binformation_schema\b|\bsysobjects\b|\bsyscolumns\b|\bsqlite_(?:master|version|schema)\b|\bpg_(?:catalog|shadow|user|database|tables|class|stat_activity)\b|\bmysql\.(?:user|innodb\w*)\b|\bv\$version\b|\ball_tab(?:les|_columns)\b|\buser_tab(?:les|_columns)\b|\butl_(?:http|inaddr|smtp|tcp)\b|\bsys\.(?:databases|objects|tables|user|schemas|dba_\w+)\b|\bctxsys\.|\bdba_users\b|\bmsysaccessobjects\b",
    ),
    (
        Sql,
        7,
        "a value is taken apart",
        r#"\b(?:substr|substring|mid|ascii|ord|extractvalue|updatexml|group_concat|concat_ws|unhex|char_length|string_agg|xmltype|json_extract|gtid_subset|st_latfromgeohash|name_const|procedure\s+analyse|database|version|user|current_user|session_user|system_user|schema|db_name|host_name|suser_name|user_name|object_id|col_name|quote_ident|query_to_xml|database_to_xml|current_database|current_schema|current_setting|inet_server_addr|load_extension|fts3_tokenizer|writefile)\s*\(\s*(?:\)|\(|select\b|'|"|0x|\d|@@|user|database|version|password|null|char|concat)"#,
    ),
    (Sql, 7, "characters by number", r"\b(?:n?char|chr|unichr|concat|concat_ws|hex)\s*\(\s*(?:\d+|0x|'|select|\(|user|version|database|char|chr)"),
    (Sql, 6, "a hexadecimal string", r"(?:=|\(|,|\s)\s*0x[0-9a-f]{8,}"),
    (
        Sql,
        7,
        "a case or condition in SQL",
        r#"\bcase\s+when\s*\(?\s*['"(\d@\w.]+\s*(?:\([^)]*\))?\s*(?:=|<|>|like\b|is\s+(?:not\s+)?null|in\s*\()|\bif\s*\(\s*(?:\(|select|\d+\s*=|ascii|substr|'|user\(|version\(|mid\(|length)|\biif\s*\(|\bcast\s*\(\s*.+\bas\s+\w+|\bconvert\s*\(\s*(?:int|varchar|char|signed|'|\()"#,
    ),
    (
        Sql,
        7,
        "a clause that probes",
        r"\bhaving\s+['(]*\d+\s*['=<>]|\bhaving\s+['(]?\w['\s]*=|\bprocedure\s+analyse\b|\brlike\s*\(|\bregexp\s*(?:\(|'|0x)|\blimit\s+\d+\s*(?:,|offset)\s*\d+\s*(?:--|#|into|procedure|union|;|$)|\bfor\s+xml\s+path\b|\bsounds\s+like\b|\bcollate\s+\w+_|\bwhere\s+1\b",
    ),
    (Sql, 8, "a comment that MySQL runs", r"/\*!\d{0,6}"),
    (Sql, 5, "comments in place of spaces", r"\w/\*[^*]{0,20}\*/\w+/\*[^*]{0,20}\*/|/\*\*/\w+/\*\*/"),
    // Document databases.
    (
        Sql,
        7,
        "an operator of a document database",
        r#"(?:^|[\s{\["'.:,(&?])\$(?:ne|gt|gte|lt|lte|nin|in|where|regex|exists|or|and|not|nor|expr|type|mod|all|size|elemmatch|eq|text|function|lookup|accumulator|jsonschema|comment)\b["'\]]?\s*(?:[:=\]]|$)|\[\$(?:ne|gt|gte|lt|lte|nin|in|where|regex|exists|or|and|not|eq)\]|\$where\b"#,
    ),
    (
        Sql,
        7,
        "script in a document database",
        r#"['"]\s*(?:\|\||&&|;)\s*(?:this\.|return\b|true\b|sleep\s*\(|while\s*\(|var\s|db\.|function\b|'?1'?\s*==)|\bdb\.\w+\.(?:find|drop|insert|remove|update|aggregate)\w*\s*\(|\bdb\.dropdatabase|\bthis\.\w+\.match\s*\(|\bthis\.\w+\s*==|;\s*return\s+(?:true|1|this)|\breturn\s+true\s*;?\s*\}?\s*$"#,
    ),
];
