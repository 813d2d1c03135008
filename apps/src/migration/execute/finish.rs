//! What nothing stops any more: the migration is past its last flip, and its old rules are removed.

use super::standing::{Standing, Way};
use super::{AGAIN, Halted, Job, is_gone};
use crate::migration::record::{Migration, Phase};
use crate::plan::Round;

impl Job {
    /// Removes what carries nothing any more. Switches that don't answer are asked again until they do or are gone;
    /// those that are gone are put right when they return.
    pub(super) async fn remove(&self, migration: &Migration, rounds: &[Round]) {
        let _timer = migration.phase(Phase::Remove);
        self.expect_removals(&self.others.rules);
        for round in rounds {
            let sent = round.messages().apply(self.network().switches()).await;
            let Err(error) = sent else { continue };
            tracing::warn!(id = migration.id(), %error, "not every old rule could be removed yet");
            self.make(migration, round).await;
        }
    }

    /// Does what of a round is not done, until every switch that is connected has confirmed it.
    async fn make(&self, migration: &Migration, round: &Round) {
        loop {
            let mut standing = Standing::read(self.network(), std::slice::from_ref(round)).await;
            let missing = standing.missing(round, Way::Done);
            match missing.messages.apply(self.network().switches()).await {
                Ok(()) => return self.owe(round, &missing.away, Way::Done),
                Err(error) if error.failures.iter().all(is_gone) => {}
                Err(error) => {
                    tracing::warn!(id = migration.id(), %error, "the migration is not finished yet");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// The same for one that an earlier run has brought past its last flip. `is_final`: it had read the final counts,
    /// so that old rules may be gone.
    pub(super) async fn finish_resumed(
        &self,
        migration: &Migration,
        is_final: bool,
    ) -> Result<(), Halted> {
        let last_live = self.planned.point_of_no_return();
        let (live, rest) = self.planned.rounds.split_at(last_live);
        for round in live {
            self.make(migration, round).await;
        }
        if !is_final {
            let timer = migration.phase(Phase::Drain);
            let counts = self.old_way_at_rest().await;
            if let Err(error) = self.write_counts(&counts).await {
                tracing::error!(id = migration.id(), %error, "the journal can't be written; the migration goes on without");
            }
            self.take_in(&counts.routes);
            self.take_in_others(migration, &counts.others);
            self.take_in_shared(&counts);
            self.adopt_late_writes(migration, &counts).await;
            drop(timer);
        }
        let timer = migration.phase(Phase::Remove);
        self.expect_removals(&self.others.rules);
        for round in rest {
            self.make(migration, round).await;
        }
        drop(timer);
        Ok(())
    }
}
