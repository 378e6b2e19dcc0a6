//! Secrets of the deployment: where each is found, and that nobody else can read the file that holds it (SEC-1).

use std::path::Path;

use zeroize::Zeroizing;

use super::error::ConfigError;
use super::private_file;

/// Finds a secret: in the file that a flag names, else in the environment, else in the file that the settings name.
pub(super) fn find_secret(
    key: &'static str,
    flag: Option<&Path>,
    variable: Option<String>,
    setting: Option<&Path>,
) -> Result<Option<Zeroizing<String>>, ConfigError> {
    let variable = variable.map(Zeroizing::new).filter(|text| !text.is_empty());
    let text = match (flag, variable, setting) {
        (None, Some(text), _) => text,
        (Some(path), _, _) | (None, None, Some(path)) => read_secret(key, path)?,
        (None, None, None) => return Ok(None),
    };
    Ok(Some(Zeroizing::new(text.trim().to_owned())))
}

/// Reads a secret from a file, unless group or others can read it too (SEC-1).
pub fn read_secret(key: &'static str, path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    refuse_exposed(key, path)?;
    let text = std::fs::read_to_string(path);
    text.map(Zeroizing::new).map_err(|source| ConfigError::Unreadable { key, path: path.to_owned(), source })
}

/// Reads a secret inside the file of settings.
pub(super) fn secret<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Zeroizing<String>, D::Error> {
    <String as serde::Deserialize>::deserialize(from).map(Zeroizing::new)
}

/// Refuses a file that group or others can read.
pub(super) fn refuse_exposed(key: &'static str, path: &Path) -> Result<(), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { key, path: path.to_owned(), source };
    if private_file::is_exposed(path).map_err(unreadable)? {
        return Err(ConfigError::Exposed { key, path: path.to_owned() });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    fn file(name: &str, text: &str, mode: u32) -> PathBuf {
        let path = std::env::temp_dir().join(format!("emgate-secret-{}-{name}", std::process::id()));
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_secret_of_a_flag_wins_over_the_environment_and_that_over_one_of_the_file() {
        let [flag, setting] = ["flag", "setting"].map(|name| file(name, &format!(" {name}\n"), 0o600));
        let find = |flag: Option<&PathBuf>, variable: Option<&str>, setting: Option<&PathBuf>| {
            let (flag, setting) = (flag.map(PathBuf::as_path), setting.map(PathBuf::as_path));
            let found = find_secret("key", flag, variable.map(str::to_owned), setting).unwrap();
            found.map(|secret| secret.to_string())
        };
        assert_eq!(find(Some(&flag), Some("variable"), Some(&setting)).as_deref(), Some("flag"));
        assert_eq!(find(None, Some("variable\n"), Some(&setting)).as_deref(), Some("variable"));
        assert_eq!(find(None, Some(""), Some(&setting)).as_deref(), Some("setting"));
        assert_eq!(find(None, None, Some(&setting)).as_deref(), Some("setting"));
        assert_eq!(find(None, Some(""), None), None);
        [flag, setting].iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let path = file("pepper", "00", 0o640);
        assert!(matches!(read_secret("credentials.pepper_file", &path), Err(ConfigError::Exposed { .. })));
        std::fs::remove_file(path).unwrap();
    }
}
