//! Markup and script that a browser would run, and XML that would fetch.

use super::Rule;
use crate::threats::Kind::{Xss, Xxe};

pub(super) const RULES: &[Rule] = &[
    (
        Xss,
        9,
        "an element that runs or loads",
        r"</?\s*(?:\w+:)?(?:script|iframe|frame|frameset|object|embed|applet|svg|math|style|link|meta|base|form|input|button|textarea|select|option|isindex|body|html|head|title|img|image|video|audio|source|track|picture|marquee|bgsound|layer|ilayer|xml|xss|template|slot|portal|noscript|noembed|noframes|plaintext|xmp|listing|details|dialog|canvas|keygen|animate\w*|set|foreignobject|use|animation|handler|param|map|area|fieldset|label|menu|menuitem|dir|blink|comment|import|event-source|vmlframe|fencedframe)(?:[\s/>\\+!,;:'\x22&]|$|\W)",
    ),
    (Xss, 8, "an element with an attribute", r#"<\s*[a-z][\w:-]*[\s/]+[^<>]*\w+\s*=\s*[^\s=<>]|<\s*[a-z][\w:-]*/\w"#),
    (
        Xss,
        8,
        "a link or block with an address",
        r#"<\s*(?:a|div|table|td|tr|th|p|span|br|hr|b|i|h[1-6]|ul|li|ol|center|font|q|pre|code|strong|em)\s+[\w:-]+\s*="#,
    ),
    (Xss, 6, "a comment or instruction of markup", r"^\s*<\s*$|<!--|--!?>\s*<|<!\[(?:cdata|if|endif)|<!attlist|<%|%>\s*<"),
    (Xss, 6, "markup is closed", r#"['"`]\s*/?\s*>\s*(?:<|$)|^\s*/?>\s*<|['"`]>['"`]?[<>]|</[a-z]{1,10}\s*>\s*<"#),
    (Xss, 7, "an attribute is closed and an element begins", r#"['"`>\s]<\s*[a-z!?/][\w-]*[^@\s>]*['"\s/]+.*?=|</\s*[a-z][\w:-]*\s*>?$"#),
    (
        Xss,
        8,
        "a handler of an event",
        r"(?:^|[^\w.-])on(?:error|load\w*|click|dblclick|auxclick|mouse\w+|focus\w*|blur|key\w+|submit|change|input|toggle|beforetoggle|start|begin|end|ended|finish|repeat|animation\w+|transition\w+|pointer\w+|touch\w+|drag\w*|drop|wheel|scroll\w*|resize|hashchange|pageshow|pagehide|pagereveal|message|popstate|storage|unload|before\w+|after\w+|copy|cut|paste|select\w*|search|show|play\w*|pause|seek\w*|canplay\w*|cuechange|durationchange|volumechange|progress|ratechange|stalled|suspend|timeupdate|waiting|abort|cancel|close|contextmenu|gotpointercapture|lostpointercapture|readystatechange|propertychange|reset|invalid|bounce|form\w*|webkit\w+|moz\w+|ms\w+|slotchange|securitypolicyviolation|row\w+|data\w+|cell\w+|filterchange|layoutcomplete|losecapture|move\w*|activate|deactivate|controlselect|help|stop|syncrestored|timeerror|trackchange|urlflip|mediacomplete|mediaerror|outofsync|reverse|seek|fullscreen\w*|unhandledrejection|rejectionhandled|languagechange|orientationchange|encrypted|emptied|snapchanged|snapchanging|content\w+|page\w+|zoom)\s*=\s*\S",
    ),
    (
        Xss,
        8,
        "an address that is script",
        r"(?:^|[^\w-])(?:java|vb|live|j|ecma)script\s*:|\bmocha:|\bdata\s*:\s*(?:text/(?:html|javascript|xml|vbscript)|image/svg\+xml|application/(?:x-)?(?:javascript|xhtml\+xml|xml)|[^,;\s]{0,40};base64,\s*phn|,\s*<|;)|\bview-source:|\bfeed:\w+:|\bmhtml:",
    ),
    (
        Xss,
        7,
        "a call of script",
        r#"(?:^|[^\w])(?:alert|prompt|confirm|print|eval|settimeout|setinterval|setimmediate|msgsetimmediate|execscript|atob|btoa|fetch|importscripts|import|xmlhttprequest|unescape|decodeuri(?:component)?|escape|parseint|require|navigate|expression|sendbeacon|open)(?:/\*.*\*/)?(?:\((?:|\s*)(?:['"`/\d\w\\\[{(!)+~-])|`|\?\.\s*\(|/\*|\.\s*(?:call|apply|bind)\b)"#,
    ),
    (
        Xss,
        7,
        "a function of script in parentheses",
        r"\(\s*(?:alert|prompt|confirm|eval|print)\s*\)|=\s*(?:alert|prompt|confirm|eval|print)\b|\b(?:alert|prompt|confirm)\s*\(\s*\)?|\bthrow\s*(?:/|onerror|\w+=)|onerror\s*=\s*(?:eval|alert)",
    ),
    (
        Xss,
        7,
        "the page's own objects",
        r"\b(?:document|window|self|top|parent|frames|this|globalthis|location|navigator|history)\s*(?:\.\s*(?:cookie|write\w*|domain|location|body|documentelement|createelement|getelement\w+|queryselector\w*|defaultview|url\b|referrer|forms|open|name|opener|frames|href|hash|search|assign|replace|reload|alert|prompt|confirm|eval|onerror|onload|sendbeacon|localstorage|constructor|forms|scripts|parent|top)|\[\s*['\x22`/(+\w])|\bstring\.fromcharcode|\b(?:inner|outer)html\s*\+?=|\binsertadjacenthtml|\blocalstorage\s*[.\[]|\bsessionstorage\s*[.\[]|\bsrcdoc\s*=",
    ),
    (
        Xss,
        7,
        "a function is made from text",
        r#"\bconstructor\s*(?:\.|\[|\()\s*['"(\w]|\bfunction\s*\(?['"`]|\[\s*['"]constructor['"]\s*\]|\bfunction\s*\w*\s*\([^)]*\)\s*\{|=>\s*(?:\{|alert|eval|\w+\()|\bnew\s+(?:function|image|xmlhttprequest|activexobject|websocket|worker)\b|\bactivexobject\b|\breflect\s*\.\s*\w+\s*(?:\(|\.)"#,
    ),
    (Xss, 6, "script without letters", r"[\[\]()!+]{10,}|\(!\[\]|\[\]\[|!!\[\]|\+\[\]\)|\$=~\[\]|\{\}\+''"),
    (
        Xss,
        6,
        "styles that load or run",
        r#"@import\s*(?:['"(]|url)|-moz-binding|\bbehaviou?r\s*:\s*url|:\s*expression\s*\(|\burl\s*\(\s*['"]?\s*(?:java|vb|data:)|\bstyle\s*=\s*['"]?[^'"]*(?:expression|url\s*\(|behavior|binding|animation)|\bstyle\s*=\s*['"`]"#,
    ),
    (
        Xss,
        6,
        "a string of script is closed",
        r#"(?:\\?['"`]|</script>)\s*[);,\]}]*\s*[;,+*/|&^%?:<>=-]+\s*[(\[{]*\s*(?:alert|prompt|confirm|eval|print|document|window|self|top|parent|location|console|fetch|string|function|this|settimeout)\b"#,
    ),
    (
        Xss,
        6,
        "a refresh that leads away",
        r"http-equiv|\ballowscriptaccess\b|\bxlink:href\b|\bformaction\s*=|\bsrcset\s*=\s*['\x22]?\s*x?\b.*onerror|\bautofocus\b.*=|\baccesskey\s*=.*on\w+|\bhref\s*=\s*['\x22]?\s*(?:java|vb|data|//|&)|\bsrc\s*=\s*['\x22`]?\s*(?:java|vb|data|//|https?:|[x1]\b)",
    ),
    (
        Xxe,
        8,
        "a document type with entities",
        r"<!doctype\s*\S*\s*(?:\[|system\b|public\b)|<!entity\b|<!element\b|<!notation\b|\bentity\s+%?\s*\w+\s+(?:system|public)\b",
    ),
    (Xss, 6, "a document of markup", r"<!doctype\b"),
    (
        Xxe,
        7,
        "a document of XML",
        r"<\?\s*xml\b|<\?xml-stylesheet|<\s*(?:\w+:)?(?:stylesheet|include|import|value-of|envelope|schema|struts|beans|rss|plist|methodcall)\b[^>]*(?:xmlns|href|select|version|parse|schemalocation)|\bxmlns(?::\w+)?\s*=|\bxinclude\b|<\s*xi:|<\s*xsl:",
    ),
    (
        Xxe,
        7,
        "an entity by name",
        r#"\bsystem\s+['"](?:file|https?|ftp|php|expect|gopher|jar|netdoc|data|/)|\]>\s*<\w+>|&\w+;\s*</|%\w+;\s*(?:\]|%)"#,
    ),
    (Xss, 6, "code of a server in markup", r"<\?(?:php|=|\s|$)|<%[=@!#]?|<jsp:|<cf\w+|<!--#\s*(?:exec|include|echo|config|set|printenv)"),
];
