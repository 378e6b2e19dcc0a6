//! `emgate events republish`: asks whoever leads to publish the whole state again.

use std::time::Duration;

use super::EventError;
use crate::store::{Db, number_line};

const LOOK: Duration = Duration::from_millis(200);

/// What an operator may ask for.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct RepublishArgs {
    /// Return only when it is done
    #[arg(long)]
    pub wait: bool,
}

/// Asks; with `wait` returns when it is done, however long that takes.
pub fn run(db: &Db, args: RepublishArgs) -> Result<(), EventError> {
    db.write_blocking(|tx| Ok::<_, EventError>(number_line::ask_for_state(tx)?))?;
    while args.wait && db.write_blocking(|tx| Ok::<_, EventError>(number_line::line(tx)?))?.state_due {
        std::thread::sleep(LOOK);
    }
    Ok(())
}
