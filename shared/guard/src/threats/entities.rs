//! Character references of HTML: `&lt;`, `&#60;`, `&#x3c;`, with and without the semicolon where browsers forgive that.

/// Those that stand for characters of use to an attack.
const NAMED: [(&str, char); 42] = [
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("amp", '&'),
    ("nbsp", ' '),
    ("Tab", '\t'),
    ("NewLine", '\n'),
    ("colon", ':'),
    ("semi", ';'),
    ("lpar", '('),
    ("rpar", ')'),
    ("sol", '/'),
    ("bsol", '\\'),
    ("lbrace", '{'),
    ("lcub", '{'),
    ("rbrace", '}'),
    ("rcub", '}'),
    ("lbrack", '['),
    ("lsqb", '['),
    ("rbrack", ']'),
    ("rsqb", ']'),
    ("grave", '`'),
    ("DiacriticalGrave", '`'),
    ("equals", '='),
    ("comma", ','),
    ("period", '.'),
    ("excl", '!'),
    ("num", '#'),
    ("dollar", '$'),
    ("percnt", '%'),
    ("ast", '*'),
    ("midast", '*'),
    ("plus", '+'),
    ("lowbar", '_'),
    ("commat", '@'),
    ("vert", '|'),
    ("verbar", '|'),
    ("VerticalLine", '|'),
    ("Hat", '^'),
    ("quest", '?'),
    ("hyphen", '-'),
];

/// The names that need no semicolon come first.
const WITHOUT_SEMICOLON: usize = 3;

/// The text with its references resolved; `None` where it has none.
pub(super) fn decoded(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut changed = false;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match reference(rest) {
            Some((character, length)) => {
                out.push(character);
                rest = &rest[length..];
                changed = true;
            }
            None => out.push('&'),
        }
    }
    out.push_str(rest);
    changed.then_some(out)
}

/// The character behind an ampersand, and how many bytes name it.
fn reference(rest: &str) -> Option<(char, usize)> {
    if let Some(number) = rest.strip_prefix('#') {
        let (digits, radix, before) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 2),
            None => (number, 10, 1),
        };
        let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
        // Leading zeros don't change a number, and are there to be overlooked.
        let significant = digits[..length].trim_start_matches('0');
        if length == 0 || significant.len() > 7 {
            return None;
        }
        let code = if significant.is_empty() { 0 } else { u32::from_str_radix(significant, radix).ok()? };
        let semicolon = usize::from(digits[length..].starts_with(';'));
        return Some((char::from_u32(code)?, before + length + semicolon));
    }
    NAMED.iter().enumerate().find_map(|(index, (name, character))| {
        let after = match rest.strip_prefix(name) {
            Some(after) => after,
            None if index < WITHOUT_SEMICOLON + 2 && rest.get(..name.len())?.eq_ignore_ascii_case(name) => &rest[name.len()..],
            None => return None,
        };
        match after.starts_with(';') {
            true => Some((*character, name.len() + 1)),
            false if index < WITHOUT_SEMICOLON => Some((*character, name.len())),
            false => None,
        }
    })
}
