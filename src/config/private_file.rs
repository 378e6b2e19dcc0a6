//! Files that hold secrets: readable by their owner alone, and refused when they are not (SEC-1).

use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Whether group or others can read the file.
pub fn is_exposed(path: &Path) -> std::io::Result<bool> {
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Makes the file, and its folder where that is missing, and brings it to the disk, whole or not at all; a file that is there is an error.
///
/// It is written under a name of its own first: a rename would overwrite what another process made meanwhile, a second name does not.
pub fn create(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut mark = [0_u8; 8];
    getrandom::fill(&mut mark).map_err(|error| std::io::Error::other(error.to_string()))?;
    let fresh = path.with_extension(format!("{:016x}.new", u64::from_ne_bytes(mark)));
    let made = write(&fresh, text).and_then(|()| std::fs::hard_link(&fresh, path));
    let _was_never_made = std::fs::remove_file(&fresh);
    made.and_then(|()| std::fs::File::open(folder)?.sync_all())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_makes_only_the_owner_can_read_and_it_overwrites_nothing() {
        let folder = std::env::temp_dir().join(format!("emgate-private-{}", std::process::id()));
        let path = folder.join("deep").join("file");
        create(&path, "one").unwrap();
        assert!(!is_exposed(&path).unwrap());
        assert_eq!(create(&path, "two").unwrap_err().kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(is_exposed(&path).unwrap());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
