//! Filters of LDAP, and paths of XPath, that are closed and go on.

use super::Rule;
use crate::threats::Kind::LdapInjection as Ldap;

pub(super) const RULES: &[Rule] = &[
    (Ldap, 8, "a filter of a directory", r"\(\s*[&|!]\s*\(|\)\s*\(\s*[&|!]|\(\s*[&|]\s*\)|[*)]\s*\(\s*[&|!]"),
    (
        Ldap,
        8,
        "a filter is closed and another begins",
        r"\)\s*\(\s*[\w.;-]+\s*[~<>:]?=|\*\s*\)\s*\(|\*\s*\)+\s*(?:\(|\||&|%00|$)|^\w*\*\)|\)\s*\(\s*$|\w\)\s*\(\s*\w+=|^\*\(\|",
    ),
    (
        Ldap,
        7,
        "a filter with a wildcard",
        r"\(\s*[\w.;:-]+\s*[~<>]?=\s*[^()]*\*[^()]*\)?|\b(?:cn|sn|uid|ou|dc|mail|objectclass|objectcategory|samaccountname|userpassword|memberof|givenname|userprincipalname|telephonenumber|department)\s*[~<>]?=\s*\*|^\*+\|",
    ),
    (
        Ldap,
        6,
        "an attribute of a directory",
        r"\(\s*(?:cn|sn|uid|ou|dc|mail|objectclass|objectcategory|samaccountname|userpassword|memberof|givenname|userprincipalname|useraccountcontrol)\s*[~<>:\d.]*=",
    ),
    (Ldap, 6, "nothing but marks of a filter", r"^\s*(?:[()!]{1,2}|[@!&|]\*|(?:admin\w*|root|user|guest|manager|operator|sysadmin)\*\)*)\s*$"),
    (Ldap, 7, "a matching rule of a directory", r"[\w-]+:(?:dn:)?\d+(?:\.\d+){3,}:="),
    (
        Ldap,
        6,
        "a path of XPath",
        r"(?:^|['\x22\])\s|])/{1,2}(?:\*|node\(\)|user\w*(?:\[|/)|\w+\[)|\b(?:name|text|node|position|count|string-length|last|local-name|doc)\s*\(\s*(?:\)|/|\.|'|\*)|\]\s*\|\s*/|\bancestor::|\bchild::|\bparent::|\bdescendant(?:-or-self)?::|\bfollowing(?:-sibling)?::|\battribute::",
    ),
];
