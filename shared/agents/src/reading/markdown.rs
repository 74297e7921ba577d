//! Markdown without its marks.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::RawDocument;

/// Title (the first heading) and text; each heading, item and table row becomes a paragraph of its own.
pub fn read(markdown: &str) -> RawDocument {
    let mut text = String::with_capacity(markdown.len());
    let mut title = Title::default();
    let (mut in_heading, mut in_metadata) = (false, false);
    let options = Options::ENABLE_TABLES | Options::ENABLE_FOOTNOTES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::MetadataBlock(_)) => in_metadata = true,
            Event::End(TagEnd::MetadataBlock(_)) => in_metadata = false,
            _ if in_metadata => {}
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => {
                in_heading = false;
                title.finish();
                text.push_str("\n\n");
            }
            Event::Text(piece) | Event::Code(piece) | Event::InlineMath(piece) | Event::DisplayMath(piece) => {
                if in_heading {
                    title.add(&piece);
                }
                text.push_str(&piece);
            }
            Event::SoftBreak | Event::HardBreak => text.push('\n'),
            Event::End(TagEnd::TableCell) => text.push(' '),
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Item
                | TagEnd::CodeBlock
                | TagEnd::TableHead
                | TagEnd::TableRow
                | TagEnd::HtmlBlock
                | TagEnd::FootnoteDefinition,
            ) => text.push_str("\n\n"),
            _ => {}
        }
    }
    RawDocument { title: title.first, text: tidy(&text), ..RawDocument::default() }
}

/// The first heading that has words.
#[derive(Default)]
struct Title {
    first: String,
    done: bool,
}

impl Title {
    fn add(&mut self, piece: &str) {
        if !self.done {
            self.first.push_str(piece);
        }
    }

    fn finish(&mut self) {
        self.first = self.first.trim().to_owned();
        self.done = !self.first.is_empty();
    }
}

/// No more than one empty line anywhere.
pub fn tidy(text: &str) -> String {
    super::passages::paragraphs(text).join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        let document = read(
            "---\ndate: x\n---\n# The *Title*\n\nA [link](http://x) and `code`.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| c | d |\n\n```rust\nfn main() {}\n```\n",
        );
        assert_eq!(document.title, "The Title");
        assert_eq!(document.text, "The Title\n\nA link and code.\n\none\n\ntwo\n\na b\n\nc d\n\nfn main() {}");
    }
}
