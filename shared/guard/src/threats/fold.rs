//! Characters that look like, or are taken for, ASCII ones.

use unicode_normalization::UnicodeNormalization;

/// The text with every character in its ASCII reading; `None` where that is the text itself.
pub(super) fn folded(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() { out.push(character) } else { fold(character, |part| out.push(part)) }
    }
    (out != text).then_some(out)
}

/// The ASCII reading of a character that isn't ASCII, as far as there is one; nothing for what can't be seen.
pub(super) fn fold(character: char, mut out: impl FnMut(char)) {
    match character {
        // Zero-width and formatting characters.
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => {}
        '\u{85}' | '\u{2028}' | '\u{2029}' => out('\n'),
        character if character.is_whitespace() => out(' '),
        character => match lookalike(character) {
            Some(ascii) => out(ascii),
            None => {
                for part in std::iter::once(character).nfkc() {
                    out(lookalike(part).unwrap_or(part));
                }
            }
        },
    }
}

/// What NFKC leaves apart though it is read, or squeezed by old code pages, as ASCII.
fn lookalike(character: char) -> Option<char> {
    Some(match character {
        '‘' | '’' | '‚' | '‛' | '′' | 'ʹ' | 'ʼ' | 'ʻ' | 'ˈ' | '＇' | '´' | '`' | '׳' | 'ꞌ' => '\'',
        '“' | '”' | '„' | '¢' | '‟' | '″' | 'ʺ' | '＂' | '״' => '"',
        '‹' | '〈' | '⟨' | '˂' | '¼' | '❮' | '≺' | 'ᐸ' => '<',
        '›' | '〉' | '⟩' | '˃' | '¾' | '❯' | '≻' | 'ᐳ' => '>',
        '⁄' | '∕' | '⧸' | '╱' | '⟋' => '/',
        '\u{f025}' => '/',
        '\u{efc8}' => '\\',
        '∖' | '⧵' | '⧹' | '╲' => '\\',
        '‐' | '‑' | '‒' | '–' | '−' | '˗' => '-',
        '∣' | '│' | 'ǀ' | '❘' => '|',
        '∗' | '⁎' | '✱' => '*',
        '‗' => '_',
        'ː' | '˸' | '։' | '∶' | '꞉' => ':',
        '·' | '․' => '.',
        '❨' | '❪' => '(',
        '❩' | '❫' => ')',
        '❴' => '{',
        '❵' => '}',
        // Cyrillic and Greek letters that are drawn like Latin ones.
        'а' | 'А' | 'α' | 'Α' | 'ɑ' => 'a',
        'В' | 'Β' | 'Ь' => 'b',
        'с' | 'С' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'Е' | 'Ε' | 'ҽ' => 'e',
        'ɡ' | 'ց' => 'g',
        'һ' | 'Н' | 'Η' => 'h',
        'і' | 'І' | 'Ι' | 'ι' | 'ı' | 'İ' => 'i',
        'ј' | 'Ј' => 'j',
        'к' | 'К' | 'Κ' | 'κ' => 'k',
        'ӏ' | 'ⅼ' => 'l',
        'М' | 'Μ' | 'м' => 'm',
        'Ν' | 'ո' => 'n',
        'о' | 'О' | 'ο' | 'Ο' | 'օ' => 'o',
        'р' | 'Р' | 'ρ' | 'Ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' | 'Ѕ' | 'ſ' => 's',
        'Т' | 'Τ' | 'т' => 't',
        'υ' | 'ս' => 'u',
        'ѵ' | 'ν' => 'v',
        'ѡ' | 'ԝ' => 'w',
        'х' | 'Х' | 'Χ' | 'χ' => 'x',
        'у' | 'У' | 'Υ' | 'γ' => 'y',
        'Ζ' => 'z',
        // Their low byte is a line break, which is all that a careless writer of headers keeps.
        '嘊' => '\n',
        '嘍' => '\r',
        '嘼' => '<',
        '嘾' => '>',
        _ => return None,
    })
}
