//! The text of an HTML page, without what only browsers read.

use scraper::{ElementRef, Html, Node, Selector, node::Element};

use super::{RawDocument, markdown::tidy};

const UNSEEN: &[&str] = &["script", "style", "noscript", "template", "head", "svg", "iframe", "object", "nav", "select", "button"];
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "caption",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
];

/// Title (`<title>`, else the first `<h1>`) and text; each block is a paragraph of its own.
pub fn read(html: &str) -> RawDocument {
    let page = Html::parse_document(html);
    let mut text = String::new();
    let mut unseen_depth = 0usize;
    for edge in page.root_element().traverse() {
        match edge {
            ego_tree::iter::Edge::Open(node) => match node.value() {
                Node::Element(element) if is(element, UNSEEN) => unseen_depth += 1,
                _ if unseen_depth > 0 => {}
                Node::Element(element) => text.push_str(gap(element)),
                Node::Text(piece) => text.push_str(&piece.replace(['\n', '\t', '\r', '\u{a0}'], " ")),
                _ => {}
            },
            ego_tree::iter::Edge::Close(node) => match node.value() {
                Node::Element(element) if is(element, UNSEEN) => unseen_depth = unseen_depth.saturating_sub(1),
                Node::Element(element) if unseen_depth == 0 && element.name() != "br" => text.push_str(gap(element)),
                _ => {}
            },
        }
    }
    let title = ["title", "h1"].iter().filter_map(|name| first_text(&page, name)).find(|title| !title.is_empty()).unwrap_or_default();
    let lines: Vec<String> = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    RawDocument { title, text: tidy(&lines.join("\n")), ..RawDocument::default() }
}

fn gap(element: &Element) -> &'static str {
    match element.name() {
        "br" => "\n",
        "td" | "th" => " ",
        _ if is(element, BLOCKS) => "\n\n",
        _ => "",
    }
}

fn is(element: &Element, names: &[&str]) -> bool {
    names.contains(&element.name())
}

fn first_text(page: &Html, name: &str) -> Option<String> {
    let selector = Selector::parse(name).ok()?;
    page.select(&selector).next().map(|element: ElementRef| element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_become_paragraphs_and_scripts_go() {
        let document = read(
            "<html><head><title> A  page </title><style>p{}</style></head><body><nav>Menu</nav><h1>Head</h1><p>One <b>bold</b>\nword<br>next</p>\
             <script>x()</script><table><tr><td>a</td><td>b</td></tr></table>&amp; rest</body></html>",
        );
        assert_eq!(document.title, "A page");
        assert_eq!(document.text, "Head\n\nOne bold word\nnext\n\na b\n\n& rest");
    }

    #[test]
    fn deep_and_broken_pages_are_read_all_the_same() {
        let deep = format!("{}x", "<div>".repeat(20_000));
        assert_eq!(read(&deep).text, "x");
        assert_eq!(read("<p>a<p>b</i>").text, "a\n\nb");
    }
}
