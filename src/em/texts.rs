//! What phones show in the language they ask for: one file a language, English where a file leaves something out.
//!
//! The files are part of the program; a directory of the deployment may add languages and change texts. A file with an unknown phrase,
//! an unknown code or a text that no phone can show is refused at the start.

mod phrase;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::error::{CODES, Doing, EmCode};
pub use phrase::Phrase;

/// Characters that a title, a prompt, a label or the name of a key may have on a phone.
const SHORT: usize = 32;
const ENGLISH: &str = "en";

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageFile {
    language: String,
    #[serde(default)]
    letters: Option<String>,
    #[serde(default)]
    phrases: BTreeMap<Phrase, String>,
    #[serde(default)]
    codes: BTreeMap<String, CodeTexts>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodeTexts {
    login: Option<String>,
    logout: Option<String>,
    title: Option<String>,
    advice: Option<String>,
}

impl CodeTexts {
    fn lay_over(&mut self, other: Self) {
        let Self { login, logout, title, advice } = other;
        self.login = login.or(self.login.take());
        self.logout = logout.or(self.logout.take());
        self.title = title.or(self.title.take());
        self.advice = advice.or(self.advice.take());
    }
}

/// The texts of one language.
#[derive(Debug, Clone, Default)]
pub struct Language {
    letters: String,
    phrases: BTreeMap<Phrase, String>,
    codes: BTreeMap<u16, CodeTexts>,
}

/// All languages.
#[derive(Debug, Clone)]
pub struct Texts {
    by_tag: BTreeMap<String, Arc<Language>>,
    english: Arc<Language>,
}

/// A file of texts that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TextsError {
    /// It cannot be read.
    #[error("phone.texts_dir: cannot read {path}: {source}", path = path.display())]
    Read {
        /// File or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no such file.
    #[error("phone.texts_dir: {file}: {problem}")]
    File {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

impl Texts {
    /// The languages of the program.
    pub fn built_in() -> Result<Self, TextsError> {
        Self::load(None)
    }

    /// The languages of the program and of a directory.
    pub fn load(directory: Option<&Path>) -> Result<Self, TextsError> {
        let mut texts = Self { by_tag: BTreeMap::new(), english: Arc::new(Language::of_registry()) };
        texts.add("en.toml", include_str!("texts/en.toml"))?;
        texts.english = texts.by_tag.get(ENGLISH).cloned().unwrap_or_default();
        texts.add("zh.toml", include_str!("texts/zh.toml"))?;
        for path in directory.map(toml_files).transpose()?.unwrap_or_default() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).map_err(|source| TextsError::Read { path, source })?;
            texts.add(&name, &text)?;
        }
        texts.english = texts.by_tag.get(ENGLISH).cloned().unwrap_or_default();
        Ok(texts)
    }

    fn add(&mut self, file: &str, text: &str) -> Result<(), TextsError> {
        let refuse = |problem: String| TextsError::File { file: file.to_owned(), problem };
        let read: LanguageFile = toml::from_str(text).map_err(|e| refuse(e.message().to_owned()))?;
        let tag = read.language.to_ascii_lowercase().replace('_', "-");
        let before = self.by_tag.get(&tag).unwrap_or(&self.english);
        let mut language = Language::clone(before);
        if tag != ENGLISH && !self.by_tag.contains_key(&tag) {
            language.codes.clear();
        }
        language.lay_over(read).map_err(refuse)?;
        self.by_tag.insert(tag, Arc::new(language));
        Ok(())
    }

    /// The language that a header `Accept-Language` asks for first, among those there are; English else.
    pub fn choose(&self, accepted: &str) -> Arc<Language> {
        let mut wanted: Vec<(f32, String)> = accepted.split(',').filter_map(weighted).collect();
        wanted.sort_by(|a, b| b.0.total_cmp(&a.0));
        let found = wanted.iter().find_map(|(_, tag)| {
            let primary = tag.split('-').next().unwrap_or_default();
            self.by_tag.get(tag).or_else(|| self.by_tag.get(primary))
        });
        Arc::clone(found.unwrap_or(&self.english))
    }
}

/// An entry of a header of preferences with its weight; one of no weight is not wanted.
pub(super) fn weighted(entry: &str) -> Option<(f32, String)> {
    let mut parts = entry.split(';');
    let value = parts.next()?.trim().to_ascii_lowercase().replace('_', "-");
    let weight = parts.find_map(|p| p.trim().strip_prefix("q=")).map_or(Some(1.0), |q| q.trim().parse().ok());
    weight.filter(|weight| *weight > 0.0 && !value.is_empty()).map(|weight: f32| (weight, value))
}

fn toml_files(directory: &Path) -> Result<Vec<PathBuf>, TextsError> {
    let unreadable = |source| TextsError::Read { path: directory.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

impl Language {
    /// What the registry says of the codes, in English.
    fn of_registry() -> Self {
        let prompts = |code: EmCode| CodeTexts {
            login: code.own_prompt(Doing::Login),
            logout: code.own_prompt(Doing::Logout),
            ..CodeTexts::default()
        };
        Self { codes: CODES.iter().map(|code| (code.number(), prompts(*code))).collect(), ..Self::default() }
    }

    fn lay_over(&mut self, file: LanguageFile) -> Result<(), String> {
        for (phrase, text) in file.phrases {
            fits(&text, if phrase.is_long() { usize::MAX } else { SHORT })?;
            self.phrases.insert(phrase, text);
        }
        for (number, texts) in file.codes {
            let code = number.parse().ok().and_then(EmCode::of_number);
            let code = code.ok_or_else(|| format!("codes: there is no code {number}"))?;
            for prompt in [&texts.login, &texts.logout].into_iter().flatten() {
                fits(prompt, SHORT)?;
            }
            self.codes.entry(code.number()).or_default().lay_over(texts);
        }
        if let Some(letters) = file.letters {
            let is_flag = ["A", "T", "N", "E", "U", "L"].contains(&letters.as_str());
            self.letters = is_flag.then_some(letters).ok_or("letters: one of A, T, N, E, U, L")?;
        }
        Ok(())
    }

    /// A text.
    pub fn phrase(&self, phrase: Phrase) -> &str {
        self.phrases.get(&phrase).map(String::as_str).unwrap_or_default()
    }

    /// A text with the names in braces replaced.
    pub fn filled(&self, phrase: Phrase, names: &[(&str, &str)]) -> String {
        names.iter().fold(self.phrase(phrase).to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{name}}}"), value)
        })
    }

    /// How a phone types a user id that may have letters.
    pub fn letters(&self) -> &str {
        &self.letters
    }

    /// The line that stands for a code, under the number that is printed for it.
    pub fn prompt(&self, code: EmCode, doing: Doing, number: u16) -> String {
        let own = self.codes.get(&code.number());
        let own = own.and_then(|c| match doing {
            Doing::Login => c.login.clone(),
            Doing::Logout => c.logout.clone(),
        });
        own.unwrap_or_else(|| {
            let phrase = match doing {
                Doing::Login => Phrase::LoginUnavailable,
                Doing::Logout => Phrase::LogoutUnavailable,
            };
            self.filled(phrase, &[("number", &number.to_string())])
        })
    }

    /// Name of a code, and what to do about it.
    pub fn explain(&self, code: EmCode, number: u16) -> String {
        let entry = code.entry();
        let own = self.codes.get(&entry.number);
        let title = own.and_then(|c| c.title.as_deref()).unwrap_or(entry.title);
        let advice = own.and_then(|c| c.advice.as_deref()).unwrap_or(entry.advice);
        self.filled(Phrase::Error, &[("number", &number.to_string()), ("title", title), ("advice", advice)])
    }
}

fn fits(text: &str, most: usize) -> Result<(), String> {
    let is_shown =
        text.chars().count() <= most && !text.trim().is_empty() && !text.chars().any(char::is_control);
    if is_shown {
        Ok(())
    } else {
        Err(format!("\"{text}\" is not 1 to {most} characters without control characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(tag: &str) -> Arc<Language> {
        Texts::built_in().unwrap().choose(tag)
    }

    #[test]
    fn the_first_language_that_there_is_counts() {
        let title = |accepted| of(accepted).phrase(Phrase::Title).to_owned();
        for chinese in ["zh_CN", "zh-TW,en;q=0.9", "xx, en;q=0.5, zh;q=0.7", "ZH"] {
            assert_eq!(title(chinese), "移动分机", "{chinese}");
        }
        for english in ["en_US", "", "xx", "zh;q=0, de", "zh;q=0.1,en_GB;q=0.2", ";;,=", "zh;q=x"] {
            assert_eq!(title(english), "Extension Mobility", "{english}");
        }
    }

    #[test]
    fn every_language_of_the_program_has_every_text() {
        let (english, chinese) = (of("en"), of("zh"));
        for phrase in english.phrases.keys().filter(|p| !matches!(p, Phrase::Pin)) {
            assert_ne!(english.phrase(*phrase), chinese.phrase(*phrase), "{phrase:?}");
        }
        for code in CODES {
            let number = code.number();
            let other = chinese.explain(code, number);
            assert!(other.starts_with(&format!("错误 {number} ")) && !other.is_ascii(), "{other}");
            for doing in [Doing::Login, Doing::Logout] {
                assert_eq!(english.prompt(code, doing, number), code.phone_text(doing));
                let prompt = chinese.prompt(code, doing, number);
                assert!(
                    prompt.contains(&format!("({number})")) && !prompt.contains("unavailable"),
                    "{prompt}"
                );
            }
        }
    }

    #[test]
    fn a_file_adds_a_language_and_what_it_leaves_out_is_english() {
        let mut texts = Texts::built_in().unwrap();
        texts.add("de.toml", "language = \"de_DE\"\n[phrases]\nyes = \"Ja\"\n[codes]\n25 = { login = \"Schon angemeldet (25)\" }").unwrap();
        let german = texts.choose("de-de");
        assert_eq!((german.phrase(Phrase::Yes), german.phrase(Phrase::No)), ("Ja", "No"));
        assert_eq!(german.prompt(EmCode::LoggedInElsewhere, Doing::Login, 25), "Schon angemeldet (25)");
        assert_eq!(german.prompt(EmCode::Authentication, Doing::Login, 201), "Login is unavailable(201)");
    }

    #[test]
    fn a_file_that_no_phone_could_show_is_refused_by_name() {
        let refused = |text: &str| Texts::built_in().unwrap().add("x.toml", text).unwrap_err().to_string();
        assert!(
            refused("language = \"x\"\n[phrases]\nyess = \"\"")
                .starts_with("phone.texts_dir: x.toml: unknown variant `yess`")
        );
        let long = format!("language = \"x\"\n[phrases]\ntitle = \"{}\"", "é".repeat(33));
        assert!(refused(&long).contains("is not 1 to 32 characters"));
        assert_eq!(
            refused("language = \"x\"\n[codes]\n13 = {}"),
            "phone.texts_dir: x.toml: codes: there is no code 13"
        );
        assert!(refused("language = \"x\"\nletters = \"Q\"").ends_with("letters: one of A, T, N, E, U, L"));
    }
}
