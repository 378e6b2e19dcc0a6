//! Which faults come in which order: a pack of cards, shuffled by the seed, dealt again and again until the time is over.

use super::proxy::Cut;
use super::random::Random;

/// One fault, with everything that chance decides about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// So many nodes from now on.
    Nodes(usize),
    /// kill -9 at a random moment; of two nodes the leader or the other.
    Kill { leader: bool },
    /// kill -9 while committed events wait for their numbers.
    KillAfterCommit,
    /// kill -9 while numbered events wait for Kafka.
    KillAfterNumbering,
    /// kill -9 so many milliseconds after the broker stopped listening in the middle of a stream of records.
    KillMidProduce { ms: u64 },
    /// kill -9 when Kafka has acknowledged what the database does not know to be acknowledged.
    KillBeforeConfirm,
    /// kill -9 of the leader, and of the next one so many milliseconds after it leads.
    KillDuringTakeOver { ms: u64 },
    /// Postgres ends at once and is away for so many milliseconds.
    StopPostgres { ms: u64 },
    /// Some sessions are ended by the server.
    EndBackends { most: u64 },
    /// Connections are cut around COMMIT.
    CutCommits { cut: Cut, times: u64 },
    /// The broker is killed, or frozen, for so many milliseconds.
    BrokerAway { frozen: bool, ms: u64 },
    /// The leader of two nodes is frozen for so many milliseconds.
    FreezeLeader { ms: u64 },
}

/// How long a run is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    /// One of each, with short outages.
    Short,
    /// Packs until the time is over.
    Long,
}

/// Deals faults without end.
pub(crate) struct Plan {
    random: Random,
    length: Length,
    packs: u64,
    dealt: std::vec::IntoIter<Fault>,
}

impl Plan {
    /// The plan of a seed.
    pub(crate) fn new(seed: u64, length: Length) -> Self {
        Self { random: Random::new(seed, 0), length, packs: 0, dealt: Vec::new().into_iter() }
    }

    /// The next fault; none: a short plan is done.
    pub(crate) fn next(&mut self) -> Option<Fault> {
        if let Some(fault) = self.dealt.next() {
            return Some(fault);
        }
        if self.length == Length::Short && self.packs > 0 {
            return None;
        }
        let pack = self.pack();
        self.packs += 1;
        self.dealt = pack.into_iter();
        self.dealt.next()
    }

    /// Milliseconds between the end of one fault and the next.
    pub(crate) fn calm(&mut self) -> u64 {
        match self.length {
            Length::Short => self.random.between(200, 1_000),
            Length::Long => self.random.between(500, 3_000),
        }
    }

    /// One half with one node, the other with two.
    fn pack(&mut self) -> Vec<Fault> {
        let mut alone = self.anywhere();
        alone.extend(self.rare(true));
        let mut together = self.anywhere();
        together.extend(self.rare(false));
        let take_overs = if self.length == Length::Long { 3 } else { 1 };
        for most in [3_000, 300, 30].into_iter().take(take_overs) {
            together.push(Fault::KillDuringTakeOver { ms: self.random.below(most) });
        }
        let short = self.length == Length::Short;
        if short || self.packs.is_multiple_of(2) {
            together.push(Fault::FreezeLeader { ms: if short { 8_000 } else { 30_000 } });
        }
        self.random.shuffle(&mut alone);
        self.random.shuffle(&mut together);
        let mut pack = vec![Fault::Nodes(1)];
        pack.extend(alone);
        pack.push(Fault::Nodes(2));
        pack.extend(together);
        pack
    }

    /// What comes with one node and with two.
    fn anywhere(&mut self) -> Vec<Fault> {
        let random = &mut self.random;
        let mut faults = vec![
            Fault::Kill { leader: true },
            Fault::KillAfterCommit,
            Fault::KillAfterNumbering,
            Fault::KillMidProduce { ms: random.below(300) },
            Fault::KillBeforeConfirm,
        ];
        if self.length == Length::Long {
            faults.push(Fault::Kill { leader: random.chance(50) });
            faults.push(Fault::KillMidProduce { ms: random.below(300) });
            faults.push(Fault::StopPostgres { ms: random.below(5_000) });
            faults.push(Fault::EndBackends { most: random.between(1, 20) });
            for cut in [Cut::Before, Cut::Sent, Cut::Answered] {
                faults.push(Fault::CutCommits { cut, times: random.between(1, 8) });
            }
        }
        faults
    }

    /// What comes once a pack.
    fn rare(&mut self, alone: bool) -> Vec<Fault> {
        let random = &mut self.random;
        if self.length == Length::Long {
            let ms = random.between(10_000, 60_000);
            let goes = alone == self.packs.is_multiple_of(2);
            return goes.then(|| Fault::BrokerAway { frozen: random.chance(50), ms }).into_iter().collect();
        }
        if alone {
            return vec![
                Fault::StopPostgres { ms: random.below(1_000) },
                Fault::CutCommits { cut: Cut::Before, times: 4 },
                Fault::CutCommits { cut: Cut::Answered, times: 4 },
            ];
        }
        vec![
            Fault::BrokerAway { frozen: random.chance(50), ms: 5_000 },
            Fault::EndBackends { most: random.between(1, 20) },
            Fault::CutCommits { cut: Cut::Sent, times: 4 },
        ]
    }
}
