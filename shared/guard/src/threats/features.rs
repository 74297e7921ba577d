//! The one pass over every field: which characters it has that an attack would need.

/// A set of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Features(u32);

impl Features {
    pub const QUOTE: u32 = 1;
    pub const ANGLE: u32 = 1 << 1;
    pub const SEMICOLON: u32 = 1 << 2;
    pub const PIPE: u32 = 1 << 3;
    pub const AMPERSAND: u32 = 1 << 4;
    pub const DOLLAR: u32 = 1 << 5;
    pub const BRACE: u32 = 1 << 6;
    pub const BRACKET: u32 = 1 << 7;
    pub const PAREN: u32 = 1 << 8;
    pub const PERCENT: u32 = 1 << 9;
    pub const BACKSLASH: u32 = 1 << 10;
    pub const SLASH: u32 = 1 << 11;
    /// Below space, or DEL.
    pub const CONTROL: u32 = 1 << 12;
    /// Not ASCII.
    pub const HIGH: u32 = 1 << 13;
    pub const STAR: u32 = 1 << 14;
    pub const HASH: u32 = 1 << 15;
    pub const SPACE: u32 = 1 << 16;
    pub const PLUS: u32 = 1 << 17;
    pub const EQUALS: u32 = 1 << 18;
    /// `!`, `^`, `~`, `?`
    pub const OTHER: u32 = 1 << 19;
    pub const COLON: u32 = 1 << 20;
    pub const AT: u32 = 1 << 21;
    /// Two dots in a row.
    pub const DOTS: u32 = 1 << 22;
    /// Two underscores in a row.
    pub const UNDERSCORES: u32 = 1 << 23;

    pub fn of(text: &str) -> Self {
        let mut seen = 0;
        let mut before = 0;
        for byte in text.bytes() {
            seen |= CLASSES[usize::from(byte)];
            if byte == before {
                seen |= match byte {
                    b'.' => Self::DOTS,
                    b'_' => Self::UNDERSCORES,
                    _ => 0,
                };
            }
            before = byte;
        }
        Features(seen)
    }

    /// Whether any of these characters is there.
    pub const fn any(self, of: u32) -> bool {
        self.0 & of != 0
    }

    /// Nothing but what base64 is made of.
    pub const fn is_of_base64(self) -> bool {
        self.0 & !(Self::SLASH | Self::PLUS | Self::EQUALS) == 0
    }

    /// Nothing but what ids are made of.
    pub const fn is_plain(self) -> bool {
        self.0 & !(Self::COLON | Self::AT | Self::EQUALS) == 0
    }
}

const CLASSES: [u32; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'\'' | b'"' | b'`' => Features::QUOTE,
            b'<' | b'>' => Features::ANGLE,
            b';' => Features::SEMICOLON,
            b'|' => Features::PIPE,
            b'&' => Features::AMPERSAND,
            b'$' => Features::DOLLAR,
            b'{' | b'}' => Features::BRACE,
            b'[' | b']' => Features::BRACKET,
            b'(' | b')' => Features::PAREN,
            b'%' => Features::PERCENT,
            b'\\' => Features::BACKSLASH,
            b'/' => Features::SLASH,
            0..=0x1f | 0x7f => Features::CONTROL,
            0x80.. => Features::HIGH,
            b'*' => Features::STAR,
            b'#' => Features::HASH,
            b' ' => Features::SPACE,
            b'+' => Features::PLUS,
            b'=' => Features::EQUALS,
            b'!' | b'^' | b'~' | b'?' => Features::OTHER,
            b':' => Features::COLON,
            b'@' => Features::AT,
            _ => 0,
        };
        byte += 1;
    }
    classes
};
