//! How a terminal shows what a phone shows: in a box for people, line by line for scripts.

use console::{Alignment, measure_text_width, pad_str, truncate_str};

use super::browser::{Display, Handset};
use super::object::{Content, InputItem};

/// Columns inside the box.
const WIDTH: usize = 52;
/// Soft keys side by side.
const KEYS: usize = 4;

/// What is on the display, part by part.
pub(super) struct Picture {
    title: String,
    body: Vec<String>,
    prompt: String,
    keys: Vec<(u8, String)>,
}

impl Picture {
    /// What a phone shows; `services` are the names in its own menu, `field` the one that is filled in next.
    pub(super) fn of(handset: &Handset, services: &[&str], field: Option<usize>) -> Self {
        let keys = handset.keys().into_iter().map(|key| (key.position, key.name)).collect();
        let entry = |(n, name): (usize, &str)| format!("{n} {name}");
        match handset.display() {
            Display::Services => Self {
                title: format!("Services of {}", handset.identity().device),
                body: (1..).zip(services.iter().copied()).map(entry).collect(),
                prompt: String::new(),
                keys,
            },
            Display::Trouble(trouble) => Self {
                title: trouble.shown.clone(),
                body: vec![format!("({})", trouble.detail)],
                prompt: String::new(),
                keys,
            },
            Display::Object(object) => Self {
                title: object.title.clone(),
                body: match &object.content {
                    Content::Text { text } => text.lines().map(str::to_owned).collect(),
                    Content::Menu { items } => {
                        (1..).zip(items.iter().map(|item| item.name.as_str())).map(entry).collect()
                    }
                    Content::Input { items, .. } => fields(items, handset.typed(), field),
                    Content::Execute { .. } => Vec::new(),
                },
                prompt: object.prompt.clone(),
                keys,
            },
        }
    }

    /// Line by line; empty parts are left out.
    pub(super) fn plain(&self) -> String {
        let keys: Vec<_> = self.keys.iter().map(|(position, name)| format!("[{position} {name}]")).collect();
        let indented = self.body.iter().map(|line| format!("  {line}"));
        let parts =
            [self.title.clone()].into_iter().chain(indented).chain([self.prompt.clone(), keys.join(" ")]);
        parts.filter(|line| !line.trim().is_empty()).map(|line| line + "\n").collect()
    }

    /// In a box with the soft keys below it.
    pub(super) fn boxed(&self) -> String {
        let row = |text: &str| format!("│ {} │\n", pad_str(text, WIDTH - 2, Alignment::Left, Some("…")));
        let mut out = format!("┌{}┐\n{}", "─".repeat(WIDTH), row(&self.title));
        let body = self.body.iter().flat_map(|line| wrapped(line, WIDTH - 4));
        out.extend([row("")].into_iter().chain(body.map(|line| row(&format!("  {line}")))).chain([row("")]));
        out.push_str(&row(&self.prompt));
        out.push_str(&format!("├{}┤\n", "─".repeat(WIDTH)));
        let most = self.keys.iter().map(|(position, _)| usize::from(*position)).max().unwrap_or(1);
        for first in (1..=most).step_by(KEYS) {
            out.push_str(&row(&self.row_of_keys(first)));
        }
        out.push_str(&format!("└{}┘\n", "─".repeat(WIDTH)));
        out
    }

    fn row_of_keys(&self, first: usize) -> String {
        let name = |place: usize| {
            let key = self.keys.iter().find(|(position, _)| usize::from(*position) == place);
            let label = key.map(|(position, name)| format!("{position} {name}")).unwrap_or_default();
            let label = truncate_str(&label, 11, "…").into_owned();
            pad_str(&label, 12, Alignment::Left, None).into_owned()
        };
        (first..first + KEYS).map(name).collect()
    }
}

/// The fields of a form; what is typed into a masked one shows as stars.
fn fields(items: &[InputItem], typed: &[String], field: Option<usize>) -> Vec<String> {
    let lines = items.iter().zip(typed).zip(0..).map(|((item, typed), n)| {
        let shown = if item.is_masked() { "*".repeat(typed.chars().count()) } else { typed.clone() };
        let mark = if field == Some(n) { "_" } else { "" };
        format!("{}: {shown}{mark}", item.label)
    });
    lines.collect()
}

/// A text in lines of at most so many columns, broken at blanks where there are some.
fn wrapped(text: &str, most: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for c in text.chars() {
        line.push(c);
        if measure_text_width(&line) > most {
            let at = line.rfind(' ').map_or(line.len() - c.len_utf8(), |at| at + 1);
            let rest = line.split_off(at);
            lines.push(std::mem::replace(&mut line, rest).trim_end().to_owned());
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_straight_whatever_the_script() {
        let picture = Picture {
            title: "移动分机".into(),
            body: vec!["ada is logged in on this phone, and this line is longer than the box.".into()],
            prompt: "要注销吗？".into(),
            keys: vec![(1, "是".into()), (2, "否".into()), (5, "a rather long one".into())],
        };
        insta::assert_snapshot!(picture.boxed(), @"
        ┌────────────────────────────────────────────────────┐
        │ 移动分机                                           │
        │                                                    │
        │   ada is logged in on this phone, and this line is │
        │   longer than the box.                             │
        │                                                    │
        │ 要注销吗？                                         │
        ├────────────────────────────────────────────────────┤
        │ 1 是        2 否                                   │
        │ 5 a rather…                                        │
        └────────────────────────────────────────────────────┘
        ");
    }

    #[test]
    fn lines_break_at_blanks_or_anywhere() {
        assert_eq!(wrapped("one two three", 8), ["one two", "three"]);
        assert_eq!(wrapped("北京上海", 5), ["北京", "上海"]);
        assert_eq!(wrapped("", 5), [""]);
    }
}
