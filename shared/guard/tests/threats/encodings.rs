//! Ways to write an attack that some reader undoes.

/// A name, and what the encoding does.
type Encoding = (&'static str, fn(&str) -> String);

/// All of them.
pub const ALL: [Encoding; 16] = [
    ("as it is", str::to_owned),
    ("in mixed case", mixed_case),
    ("percent signs", percent_specials),
    ("percent signs for everything", percent_all),
    ("percent signs twice", |text| percent_specials(&percent_specials(text))),
    ("percent signs three times", |text| percent_all(&percent_specials(&percent_specials(text)))),
    ("%u", |text| specials(text, |character| format!("%u{:04x}", character as u32))),
    ("decimal references", |text| specials(text, |character| format!("&#{};", character as u32))),
    ("hexadecimal references with zeros", |text| specials(text, |character| format!("&#x000{:X};", character as u32))),
    ("references in percent signs", |text| percent_specials(&specials(text, |character| format!("&#{};", character as u32)))),
    ("escapes of JavaScript", |text| specials(text, |character| format!("\\u{:04X}", character as u32))),
    ("hexadecimal escapes", |text| specials(text, |character| format!("\\x{:02x}", character as u32))),
    ("fullwidth forms", fullwidth),
    ("overlong forms", overlong),
    ("invisible characters", |text| specials(text, |character| format!("{character}\u{200b}"))),
    ("base64", base64),
];

/// Writes each ASCII character that isn't alphanumeric in another way.
fn specials(text: &str, write: impl Fn(char) -> String) -> String {
    text.chars()
        .map(|character| if character.is_ascii_alphanumeric() || !character.is_ascii() { character.to_string() } else { write(character) })
        .collect()
}

fn mixed_case(text: &str) -> String {
    // What is encoded already would become something else.
    if text.contains(['%', '\\', '&', '+']) {
        return text.to_owned();
    }
    text.chars()
        .enumerate()
        .map(|(index, character)| if index % 2 == 0 { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() })
        .collect()
}

fn percent_specials(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn percent_all(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fn fullwidth(text: &str) -> String {
    if text.contains(['%', '\\', '&', '+']) {
        return text.to_owned();
    }
    text.chars()
        .map(|character| if ('!'..='~').contains(&character) { char::from_u32(character as u32 + 0xfee0).unwrap() } else { character })
        .collect()
}

fn overlong(text: &str) -> String {
    specials(text, |character| format!("%{:02x}%{:02x}", 0xc0 | (character as u32 >> 6), 0x80 | (character as u32 & 0x3f)))
}

fn base64(text: &str) -> String {
    use base64::Engine as _;
    // Shorter ones are not told from ids.
    if text.len() < 12 || !text.is_ascii() {
        return text.to_owned();
    }
    base64::engine::general_purpose::STANDARD.encode(text)
}
