//! The `emgate` binary: subcommands.

fn main() {}
