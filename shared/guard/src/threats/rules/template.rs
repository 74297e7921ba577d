//! Expressions that a template engine or a logger would evaluate.

use super::Rule;
use crate::threats::Kind::{CommandInjection as Command, Log4Shell, TemplateInjection as Template};

pub(super) const RULES: &[Rule] = &[
    (Log4Shell, 10, "a lookup in a directory", r"\$\{\s*jndi\s*:|\bjndi\s*:\s*(?:ldaps?|rmi|dns|nis|iiop|corba|nds|https?|\$)"),
    (
        Log4Shell,
        8,
        "a lookup of a logger",
        r"\$\{\s*(?:lower|upper|env|sys|java|date|ctx|main|map|sd|web|docker|kubernetes|spring|bundle|log4j|base64|urlencoder|urldecoder|script|dns|url|const|file|xml|properties|marker|event|k8s|hostname|::-|:-|\w*:\w*:?-)\s*:?[^}]*\}",
    ),
    (Log4Shell, 8, "a lookup inside of a lookup", r"\$\{[^{}]*\$\{|\$\{[^}]*:-[^}]*\}"),
    (
        Template,
        7,
        "an expression in double braces",
        r#"\{\{[^}]*(?:[*+/%|(\[<>='"!@#$~^:-]|\w\.\w|\.\s*\w+\s*\})[^}]*(?:\}|$)|\{\{\s*(?:config|self|request|app|this|settings|session|g|url_for|lipsum|cycler|joiner|namespace|dump|debug|_self|flag|range|get_flashed_messages|handler|user|global|globals|loop|env|attribute|class|include|phpinfo|\d+)\b|\{\{\s*[.#/&^>\d]|\{\{\{|\{\{\s*\}\}"#,
    ),
    (
        Template,
        7,
        "a statement in braces",
        r"\{%.*(?:%\}|$)|\{#.*#\}|\{(?:php|literal|system|exec|include|fetch|eval|if|foreach|capture|math|assign|self|smarty|ldelim)\b[^}]*\}|\{\$?smarty[.\w]*\}|\{\{?\$\w+|\{\s*\d+\s*[*+/-]\s*\d+\s*\}",
    ),
    (
        Template,
        7,
        "an expression behind a dollar",
        r#"\$\{[^}]*(?:[*+/%(\[<>='"!@|?-]|\d\s*\}|\w\.\w|\bclass\b)[^}]*(?:\}|$)|\$\{\s*\}|\$\{\{|\$\{\d|\$\{(?:dump|phpinfo|product|self|request|config|applicationscope|sessionscope|param|header|cookie|pagecontext|t\()"#,
    ),
    (
        Template,
        7,
        "an expression behind a hash, star, at or tilde",
        r#"#\{[^}]*\}?|\*\{[^}]*[*+(.'"][^}]*\}?|@\{[^}]*\}|@\(\s*['"\d\w(][^)]*\)|~\{[^}]*\}|!\{[^}]*\}|%\{[^}]*\}|=\s*\d+\s*\*\s*\d+\s*$|@\d+\s*\*\s*\d+"#,
    ),
    (
        Template,
        7,
        "a scriptlet",
        r"<%.*(?:%>|$)|<#(?:assign|list|if|include|import|macro|setting)\b|<@\w+|\[#(?:assign|if|list)|\[=.*\]|\$!?\{?class\b|\[\[\s*[$*#@~]\{|\[\[.*[*(].*\]\]|\[\(\s*\$\{|#(?:set|foreach|if|include|parse|evaluate|macro|end|else|define)\s*\(|<\?=|\{!.*!?\}|@(?:php|include|inject|import|model|using|functions|code)\b[\s(]|<c:out|<%=|\{@\w+",
    ),
    (Template, 7, "arithmetic in brackets", r"[\[{(<%$#@=~!*]{1,3}\s*=?\s*\(?\s*\d+\s*[*+]\s*['\x22]?\d+['\x22]?\s*\)?\s*[\]})>%]"),
    (
        Template,
        8,
        "the insides of an object",
        r#"__(?:class|mro|subclasses|globals|builtins|import|init|base|bases|dict|getattribute|getitem|call|code|proto|doc|module|name|self|reduce|setattr|delattr)__|\.constructor\s*\.\s*constructor|\[\s*['"]__|\bconstructor\s*\(\s*['"]|\bgetclass\s*\(\s*\)|\.forname\s*\(|\bfreemarker\.template\b|\bt\s*\(\s*java\b|\|\s*attr\s*\(|_memberaccess|@java\.|\bognl\b|\bfunc_globals\b|\bregisterundefinedfiltercallback\b|\bgetfilter\s*\(|\|\s*(?:map|filter|sort|reduce|join)\s*\(\s*['"](?:system|exec|passthru|phpinfo)|\.getruntime\b|\bnewinstance\s*\(|\bclassloader\b|\bclass\.module\b|\bgetenvironment\b|\binteger\.tostring\b"#,
    ),
    (Command, 8, "an object is polluted", r"__proto__|\bconstructor\s*[.\[]\s*['\x22]?prototype|\bprototype\s*\["),
];
