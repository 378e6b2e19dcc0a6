//! Gateways that share a database, from their first start to the judgement over what they did.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::checker::journal::{Entry, Micros};
use super::checker::{self, History};
use super::client::Nodes;
use super::gateway::{Gateway, Settings};
use super::load::Work;
use super::run::Ground;
use super::site;
use super::tally::Tally;

/// Longest that a first start may take.
const PATIENCE: Duration = Duration::from_secs(90);

/// Nodes with a site; the first of them runs.
pub(crate) struct Cluster {
    pub(crate) gateways: Vec<Gateway>,
    pub(crate) nodes: Nodes,
    /// What making the site was answered.
    pub(crate) journal: Vec<Entry>,
}

impl Cluster {
    /// Starts the first of some nodes on an empty database and makes the site.
    pub(crate) fn start(
        ground: &Ground,
        folder: &Path,
        names: &[&str],
        database: &str,
        kafka: &[String],
    ) -> Result<Self, String> {
        let settings = Settings {
            program: ground.program.clone(),
            run_dir: folder.to_owned(),
            database: database.to_owned(),
            kafka: kafka.to_vec(),
        };
        write_config(&settings)?;
        let mut gateways: Vec<Gateway> = names.iter().map(|name| Gateway::new(&settings, name)).collect();
        gateways[0].start();
        gateways[0].await_ready(PATIENCE)?;
        share_state(&gateways)?;
        let password = fs::read_to_string(folder.join("secret")).map_err(|e| format!("secret: {e}"))?;
        let certificate = gateways[0].state_dir().join("tls-certificate.pem");
        let nodes = Nodes::new(gateways.iter().map(|g| g.tls).collect(), &certificate, password.trim());
        let journal = site::provision(&nodes)?;
        Ok(Self { gateways, nodes, journal })
    }
}

fn write_config(settings: &Settings) -> Result<(), String> {
    // cheap hashes: what is tried is not the hashing
    let text = "[credentials]\npassword_memory_kib = 64\npassword_passes = 1\npin_memory_kib = 64\npin_passes = 1\n\
                [http]\nworkers = 1\n";
    fs::write(settings.run_dir.join("gateway.toml"), text).map_err(|e| e.to_string())
}

/// Further nodes have pepper and certificate of the first.
fn share_state(gateways: &[Gateway]) -> Result<(), String> {
    let first = gateways[0].state_dir();
    for other in &gateways[1..] {
        for file in fs::read_dir(&first).map_err(|e| e.to_string())?.flatten() {
            fs::copy(file.path(), other.state_dir().join(file.file_name())).map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

/// When which node was killed.
pub(crate) fn kills(gateways: &[Gateway]) -> Vec<(usize, Micros)> {
    let of =
        |(n, gateway): (usize, &Gateway)| gateway.kills.iter().map(move |at| (n, *at)).collect::<Vec<_>>();
    gateways.iter().enumerate().flat_map(of).collect()
}

/// Takes what clients kept, keeps it in the folder too, and has the checker look at everything.
pub(crate) fn judge(folder: &Path, work: &Work, mut history: History, tally: &mut Tally) -> Vec<String> {
    let (journal, odd) = work.take();
    history.journal.extend(journal);
    let lines: Vec<String> = history.journal.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    drop(fs::write(folder.join("journal.jsonl"), lines.join("\n")));
    tally.add("answers: ok", work.ok.load(Ordering::SeqCst));
    tally.add("answers: refused", work.refused.load(Ordering::SeqCst));
    tally.add("answers: unknown", work.unknown.load(Ordering::SeqCst));
    tally.add("events", history.records.len() as u64);
    tally.add("state records left", history.states.len() as u64);
    let begun = Instant::now();
    let mut findings: Vec<String> =
        odd.into_iter().map(|text| format!("an answer that must never be given: {text}")).collect();
    let found = checker::check(&history);
    tally.time("checking", begun.elapsed());
    findings.extend(found.into_iter().map(|f| format!("{:?}: {}", f.kind, f.text)));
    findings
}
