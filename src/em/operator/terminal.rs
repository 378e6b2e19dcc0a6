//! Who sits at the terminal: the account under which a command runs, whatever the environment says.

use std::os::unix::fs::MetadataExt as _;

/// The uid that may be anybody's.
const ROOT: u32 = 0;

/// The account under which this process runs; its number where it has no name here. Root is whoever became root by sudo.
pub(in crate::em) fn operator_name() -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let uid = std::fs::metadata("/proc/self").ok().map(|own| own.uid());
    let before = std::env::var("SUDO_USER").ok();
    uid.map_or_else(String::new, |uid| name_of(uid, before, &accounts))
}

fn name_of(uid: u32, before: Option<String>, accounts: &str) -> String {
    let before = before.filter(|name| uid == ROOT && !name.is_empty());
    let number = uid.to_string();
    let named = || {
        accounts.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, of) = (fields.next()?, fields.nth(1)?);
            (of == number).then(|| name.to_owned())
        })
    };
    before.or_else(named).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_says_who_acts_for_root_alone() {
        let accounts = "root:x:0:0::/root:/bin/sh\nops:x:1000:1000::/home/ops:/bin/sh\n";
        for (uid, before, name) in [
            (0, Some("ops"), "ops"),
            (0, None, "root"),
            (0, Some(""), "root"),
            (1000, Some("boss"), "ops"),
            (1001, Some("boss"), "1001"),
        ] {
            assert_eq!(name_of(uid, before.map(str::to_owned), accounts), name);
        }
    }
}
