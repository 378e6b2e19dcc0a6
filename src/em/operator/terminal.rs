//! What a command works on, and who sits at the terminal: the account under which a command runs, whatever the environment says.

use std::os::unix::fs::MetadataExt as _;

use crate::clock::{Clock, IdSource};
use crate::config::{Config, ConfigError, Flags};
use crate::domain::event::{Actor, ActorKind, AuthType, Cause, Via};
use crate::domain::short_text::Comment;
use crate::event::Origin;
use crate::store::{Db, StoreError, cluster};

/// The uid that may be anybody's.
const ROOT: u32 = 0;

/// The settings of the gateway, its database and where events come from.
pub(in crate::em) struct Ground {
    /// Settings, as the gateway has them.
    pub(in crate::em) config: Config,
    /// One connection.
    pub(in crate::em) db: Db,
    /// Where events come from.
    pub(in crate::em) origin: Origin,
}

/// Why there is nothing to work on.
#[derive(Debug, thiserror::Error)]
pub(in crate::em) enum NoGround {
    #[error(transparent)]
    Settings(#[from] ConfigError),
    #[error("the database cannot be used: {0}; look at DATABASE_URL")]
    Database(#[from] StoreError),
}

impl Ground {
    /// Finds it by the settings.
    pub(in crate::em) fn of(flags: &Flags) -> Result<Self, NoGround> {
        let config = Config::load(flags)?;
        let db = Db::open(config.database.url(), 1, Clock::Database, IdSource::Random)?;
        let origin = Origin::of(&config.node, db.read_blocking(cluster::cluster_id)?);
        Ok(Self { config, db, origin })
    }

    /// The cause of one thing that is done from here.
    pub(in crate::em) fn cause(&self, comment: Option<Comment>) -> Cause {
        let id = Some(operator_name());
        let actor = Actor { kind: ActorKind::Administrator, id: id.clone(), address: None, via: Via::Cli };
        let comment = comment.map(Comment::into_string);
        let by_system = Cause::by_system(self.db.ids().next(), Via::Cli);
        Cause { actor, auth_type: AuthType::User, auth_id: id, comment, ..by_system }
    }
}

/// The account under which this process runs; its number where it has no name here. Root is whoever became root by sudo.
fn operator_name() -> String {
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
