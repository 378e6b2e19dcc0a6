//! Why settings cannot be used: every text names the key and never the value, which may be a secret.

use std::path::PathBuf;

/// Why the settings cannot be used; every text names the key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file cannot be read.
    #[error("{key}: cannot read {path}: {source}", path = path.display())]
    Unreadable {
        /// The setting that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is no TOML of ours.
    #[error("--config: {path}: {message}", path = path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Place and reason.
        message: String,
    },
    /// A value that cannot be left out.
    #[error("{key} is not set: {hint}")]
    Missing {
        /// The setting.
        key: &'static str,
        /// How to give it.
        hint: &'static str,
    },
    /// A value that cannot be used.
    #[error("{key}: {reason}")]
    Invalid {
        /// The setting.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret that others on this machine can read.
    #[error("{key}: {path} can be read by group or others; chmod 600 it", path = path.display())]
    Exposed {
        /// The setting that names the file.
        key: &'static str,
        /// The file.
        path: PathBuf,
    },
}
